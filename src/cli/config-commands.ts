import { configJsonSchema, createRelay, type Relay } from '../index.js'
import { type Command, CommandError, formatTable } from './command.js'
import { loadConfig } from './load-config.js'

/** `modelmount check`: checks a config and prints where each model name goes. */
export const checkCommand: Command = {
  options: ['config'],
  argumentNames: [],
  async run({ config }) {
    if (config === undefined) throw new CommandError('modelmount check: --config FILE is missing')
    const options = await loadConfig(config, process.env)
    const relay = createRelay({ ...options, logger: false })
    const keyCount = options.keys?.length ?? 0
    const keys = keyCount === 0 && !options.authenticate ? 'no keys: nobody can call' : count(keyCount, 'key')
    const providers = count(Object.keys(options.providers).length, 'provider')
    console.log(`${config} is valid: ${providers}, ${count(relay.models.length, 'route')}, ${keys}.\n`)
    const headings = ['MODEL', 'STRATEGY', 'TARGET', 'WEIGHT', 'KEYS', 'BASE URL']
    console.log(formatTable([headings, ...relay.models.flatMap((name) => routeRows(relay, name))]))
    await relay.close()
  },
}

/**
 * One row for each target, in the order in which the relay tries them. The name and the strategy are in the first
 * row.
 */
function routeRows(relay: Relay, name: string): string[][] {
  const { strategy = '', targets, onContextTooLong, onContentFilter } = relay.explain(name)
  const targetRows = targets.map(({ target, weight, credentials, baseURLs }, index) => [
    index === 0 ? name : '',
    index === 0 ? strategy : '',
    target,
    strategy === 'weighted' ? String(weight) : '-',
    String(credentials.length),
    baseURLs.join(', '),
  ])
  const fallbackRow = (when: string) => (target: string) => ['', when, target, '-', '', '']
  return [
    ...targetRows,
    ...onContextTooLong.map(fallbackRow('if too long')),
    ...onContentFilter.map(fallbackRow('if filtered')),
  ]
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** `modelmount schema`: prints the JSON schema of the config. */
export const schemaCommand: Command = {
  options: [],
  argumentNames: [],
  run: () => console.log(JSON.stringify(configJsonSchema(), null, 2)),
}

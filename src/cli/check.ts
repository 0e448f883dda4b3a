import { createRelay, type Relay } from '../index.js'
import type { Command } from './command.js'
import { loadConfig } from './load.js'
import { Refusal } from './refusal.js'
import { table } from './table.js'

/** `modelmount check`: whether a config can be used, and where each model name goes. */
export const checkCommand: Command = {
  options: ['config'],
  takes: [],
  async run({ config }) {
    if (config === undefined) throw new Refusal('modelmount check: --config FILE is missing')
    const options = await loadConfig(config, process.env)
    const relay = createRelay({ ...options, logger: false })
    const keys = options.keys?.length ?? 0
    const callers = keys === 0 && !options.authenticate ? 'no keys: nobody can call' : count(keys, 'key')
    const providers = count(Object.keys(options.providers).length, 'provider')
    console.log(`${config} is valid: ${providers}, ${count(relay.models.length, 'route')}, ${callers}.\n`)
    console.log(
      table([['MODEL', 'STRATEGY', 'TARGET', 'WEIGHT', 'KEYS', 'AT'], ...relay.models.flatMap(rowsOf(relay))]),
    )
    await relay.close()
  },
}

/** One row a target, in the order in which they are tried; what they share stands in the first. */
function rowsOf(relay: Relay): (rule: string) => string[][] {
  return (rule) => {
    const { strategy = '', targets, onContextTooLong, onContentFilter } = relay.explain(rule)
    const rows = targets.map(({ target, weight, credentials, baseURLs }, index) => [
      index === 0 ? rule : '',
      index === 0 ? strategy : '',
      target,
      strategy === 'weighted' ? String(weight) : '-',
      String(credentials.length),
      baseURLs.join(', '),
    ])
    const further = (when: string) => (target: string) => ['', when, target, '-', '', '']
    return [...rows, ...onContextTooLong.map(further('if too long')), ...onContentFilter.map(further('if filtered'))]
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

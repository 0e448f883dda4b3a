import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type ConfigFault, type RelayOptions, readConfig } from '../index.js'
import { codeOf } from '../lib/codes.js'
import { isObject } from '../lib/values.js'
import { readJsonFile } from './json-file.js'
import { Refusal } from './refusal.js'

/** What a config file gives a relay. JSON is filled in from the environment; a module may hold functions too. */
export async function loadConfig(file: string, environment: NodeJS.ProcessEnv): Promise<RelayOptions> {
  const options = isModule(file) ? await importDefault(file) : fillIn((await readJsonFile(file)).value, environment)
  if (!isOptions(options)) throw new Refusal(`${file}: the config is not an object`)
  return options
}

/** Told by its name: such a file is run, not read. */
export function isModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file)
}

/** `createRelay` checks every field by itself. */
function isOptions(value: unknown): value is RelayOptions {
  return isObject(value)
}

async function importDefault(file: string): Promise<unknown> {
  let found: unknown
  try {
    found = await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    throw new Refusal(`${file}: ${whyNot(error)}`)
  }
  if (isObject(found) && found.default !== undefined) return found.default
  throw new Refusal(`${file}: has no default export`)
}

function whyNot(error: unknown): string {
  if (codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION')
    return `this Node (${process.version}) does not run TypeScript: it takes Node >= 22.18, or a .js file`
  if (!(error instanceof Error)) return `cannot be loaded: ${String(error)}`
  const message = `cannot be loaded: ${error.message.split('\n', 1)[0]}`
  // Node keeps the place of a syntax error to itself.
  return error instanceof SyntaxError ? `${message}; \`node --check\` shows where` : message
}

/** Puts the environment's values in. @throws {ConfigError} for all that are missing, and all else that is wrong */
function fillIn(written: unknown, environment: NodeJS.ProcessEnv): unknown {
  const missing: ConfigFault[] = []
  const value = expand(written, '', { environment, missing })
  if (missing.length === 0) return value
  const known = new Set(missing.map(({ path }) => path))
  throw new ConfigError([...missing, ...faultsIn(value).filter(({ path }) => !known.has(path))])
}

interface Filling {
  readonly environment: NodeJS.ProcessEnv
  readonly missing: ConfigFault[]
}

function expand(value: unknown, path: string, filling: Filling): unknown {
  if (typeof value === 'string') return expandText(value, path, filling)
  if (Array.isArray(value)) return value.map((item, index) => expand(item, `${path}[${index}]`, filling))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, expand(item, path ? `${path}.${name}` : name, filling)]),
  )
}

function expandText(text: string, path: string, { environment, missing }: Filling): string {
  return text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (whole, name: string) => {
    const value = environment[name]
    if (value === undefined) missing.push({ path, message: `${whole} is not set` })
    return value ?? whole
  })
}

function faultsIn(value: unknown): readonly ConfigFault[] {
  try {
    readConfig(value)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

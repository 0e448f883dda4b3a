import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type ConfigFault, type RelayOptions, readConfig } from '../index.js'
import { errorCodeOf } from '../lib/error-code.js'
import { isObject } from '../lib/values.js'
import { CommandError } from './command.js'
import { readJsonFile } from './json-file.js'

/**
 * Loads a config file. In JSON, it replaces `${NAME}` by environment variables. A module may have functions too.
 *
 * @throws {CommandError} for a file that cannot be loaded
 * @throws {ConfigError} for missing variables
 */
export async function loadConfig(file: string, environment: NodeJS.ProcessEnv): Promise<RelayOptions> {
  const options = isModule(file)
    ? await importDefault(file)
    : expandEnvironment((await readJsonFile(file)).value, environment)
  if (!isOptions(options)) throw new CommandError(`${file}: the config is not an object`)
  return options
}

/** Whether a config file is a module, by its name. The command line imports it, and does not edit it. */
export function isModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file)
}

/** `createRelay` checks the fields. */
function isOptions(value: unknown): value is RelayOptions {
  return isObject(value)
}

async function importDefault(file: string): Promise<unknown> {
  let module: unknown
  try {
    module = await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    throw new CommandError(`${file}: ${importErrorText(error)}`)
  }
  if (isObject(module) && module.default !== undefined) return module.default
  throw new CommandError(`${file}: has no default export`)
}

function importErrorText(error: unknown): string {
  if (errorCodeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION')
    return `this version of Node (${process.version}) does not run TypeScript: use Node 22.18 or later, or a .js file`
  if (!(error instanceof Error)) return `cannot be loaded: ${String(error)}`
  const message = `cannot be loaded: ${error.message.split('\n', 1)[0]}`
  // The error of an import does not have the position of a syntax error.
  return error instanceof SyntaxError ? `${message}; \`node --check\` shows where` : message
}

/** @throws {ConfigError} for all missing variables, together with all other faults of the config */
function expandEnvironment(value: unknown, environment: NodeJS.ProcessEnv): unknown {
  const missing: ConfigFault[] = []
  const expandString = (text: string, path: string): string =>
    text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (placeholder, name: string) => {
      const variable = environment[name]
      if (variable === undefined) missing.push({ path, message: `${placeholder} is not set` })
      return variable ?? placeholder
    })
  const expanded = mapStrings(value, '', expandString)
  if (missing.length === 0) return expanded
  const missingPaths = new Set(missing.map(({ path }) => path))
  throw new ConfigError([...missing, ...configFaults(expanded).filter(({ path }) => !missingPaths.has(path))])
}

/** Replaces every string in a JSON value. */
function mapStrings(value: unknown, path: string, replace: (text: string, path: string) => string): unknown {
  if (typeof value === 'string') return replace(value, path)
  if (Array.isArray(value)) return value.map((item, index) => mapStrings(item, `${path}[${index}]`, replace))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item, path ? `${path}.${name}` : name, replace)]),
  )
}

function configFaults(value: unknown): readonly ConfigFault[] {
  try {
    readConfig(value)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

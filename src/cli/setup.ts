import type { RelayOptions } from '../index.js'
import { generateKey } from '../policies/access/api-keys.js'
import { providersWithKeys } from '../providers/index.js'
import { CommandError } from './command.js'
import { loadConfig } from './load-config.js'
import { createProxyTransport } from './proxy.js'

/** The options for the relay, and what the command prints about them. */
export interface RelaySetup {
  readonly options: RelayOptions
  /** Undefined with a config file. */
  readonly notice?: StartupNotice
  close(): Promise<void>
}

/** What the command prints at start when there is no config file: what the relay relays to, and its one key. */
interface StartupNotice {
  readonly description: string
  /** The key, or a variable, for use inside double quotes of a shell. */
  readonly shellKey: string
  /** The key, or where to find it. */
  readonly displayedKey: string
  /** A model for the example command, if the relay has no routes to choose from. */
  readonly exampleModel?: string | undefined
}

const DEMO_KEY = 'sk-modelmount-demo'
const KEY_VARIABLE = 'MODELMOUNT_KEY'

/**
 * Loads the config file. Without a file, it uses the providers whose keys are in the environment. Without those, it
 * starts the demo upstream. Requests to providers go through the environment's proxy, unless a config module has a
 * transport of its own.
 */
export async function loadSetup(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<RelaySetup> {
  const transport = await createProxyTransport(environment)
  const setup = await loadDirectSetup(file, environment)
  if (!transport || setup.options.transport) return setup
  return {
    ...setup,
    options: { ...setup.options, transport },
    async close() {
      await transport.destroy()
      await setup.close()
    },
  }
}

async function loadDirectSetup(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<RelaySetup> {
  if (file !== undefined) return { options: await loadConfig(file, environment), close: async () => undefined }
  const environmentKey = readKey(environment)
  const providers = providersWithKeys.filter(({ keyVariable }) => environment[keyVariable])
  return providers.length === 0 ? demoSetup(environmentKey) : providerSetup(providers, environmentKey)
}

function readKey(environment: NodeJS.ProcessEnv): string | undefined {
  const key = environment[KEY_VARIABLE]
  if (!key) return undefined
  if (/^[\x21-\x7e]{8,}$/.test(key)) return key
  throw new CommandError(`${KEY_VARIABLE}: a key needs at least 8 ASCII characters without spaces`)
}

function providerSetup(providers: typeof providersWithKeys, environmentKey: string | undefined): RelaySetup {
  const key = environmentKey ?? generateKey().key
  const ids = providers.map(({ id }) => id)
  return {
    options: { providers: Object.fromEntries(ids.map((id) => [id, {}])), keys: [{ id: 'default', key }] },
    notice: {
      description: `relaying to ${ids.join(', ')}`,
      // Calls with the operator's key cost money, so it must not appear in a log.
      shellKey: environmentKey ? `$${KEY_VARIABLE}` : key,
      displayedKey: environmentKey
        ? `the value of ${KEY_VARIABLE}`
        : `${key}   (new at each start: set ${KEY_VARIABLE} to choose one)`,
      exampleModel: providers.find(({ familiarModel }) => familiarModel)?.familiarModel,
    },
    close: async () => undefined,
  }
}

async function demoSetup(environmentKey: string | undefined): Promise<RelaySetup> {
  // Loaded here, because most starts need no demo.
  const { startDemo } = await import('../demo/upstream.js')
  const { baseURL, models, close } = await startDemo()
  const key = environmentKey ?? DEMO_KEY
  const variables = providersWithKeys.map(({ keyVariable }) => keyVariable)
  return {
    options: {
      providers: { demo: { type: 'openai-compatible', baseURL } },
      models: {
        ...Object.fromEntries(models.map((model) => [model, `demo/${model}`])),
        // The first target fails, so that `x-modelmount-attempts` shows a failover.
        'demo-flaky': ['demo/demo-500', 'demo/demo'],
      },
      keys: [{ id: 'demo', key }],
      // With a price, `x-modelmount-cost` shows the cost.
      prices: { 'demo/*': { input: 0.5, output: 1.5 } },
    },
    notice: {
      description: `relaying to a demo upstream, because none of these is set: ${variables.join(', ')}`,
      shellKey: key.replace(/["$`\\]/g, '\\$&'),
      // Calls to the demo cost nothing, so the key may appear in a log.
      displayedKey: key,
    },
    close,
  }
}

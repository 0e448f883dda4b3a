import { startDemo } from '../demo/upstream.js'
import type { RelayOptions } from '../index.js'
import { generateKey } from '../policies/access/api-keys.js'
import { providersWithKeys } from '../providers/index.js'
import { loadConfig } from './load.js'
import { Refusal } from './refusal.js'

/** What the relay is started with, and what its user must be told to call it. */
export interface Setting {
  readonly options: RelayOptions
  /** Where no config file says who may call. */
  readonly greeting?: Greeting
  close(): Promise<void>
}

/** What is told at the start: what is behind the relay, and its one key. */
interface Greeting {
  readonly about: string
  /** Stands in a shell's double quotes. */
  readonly keyInShell: string
  /** The key, or where it is to be found. */
  readonly keyNote: string
  /** A name to ask for, where the relay lists none of its own. */
  readonly familiarModel?: string | undefined
}

const DEMO_KEY = 'sk-modelmount-demo'
const KEY_VARIABLE = 'MODELMOUNT_KEY'

/** A config file's word; without one, the environment's keys; without those, a demo that needs no account. */
export async function findSetting(file: string | undefined, environment: NodeJS.ProcessEnv): Promise<Setting> {
  if (file !== undefined) return { options: await loadConfig(file, environment), close: async () => undefined }
  const given = readKey(environment)
  const found = providersWithKeys.filter(({ keyVariable }) => environment[keyVariable])
  if (found.length === 0) return demo(given)
  const key = given ?? generateKey().key
  const ids = found.map(({ id }) => id)
  return {
    options: { providers: Object.fromEntries(ids.map((id) => [id, {}])), keys: [{ id: 'default', key }] },
    greeting: {
      about: `relaying to ${ids.join(', ')}`,
      // The operator's own key guards real money, so it is not written to a log.
      keyInShell: given ? `$${KEY_VARIABLE}` : key,
      keyNote: given ? `the value of ${KEY_VARIABLE}` : `${key}   (new at each start; set ${KEY_VARIABLE} to keep one)`,
      familiarModel: found.find(({ familiarModel }) => familiarModel)?.familiarModel,
    },
    close: async () => undefined,
  }
}

function readKey(environment: NodeJS.ProcessEnv): string | undefined {
  const key = environment[KEY_VARIABLE]
  if (!key) return undefined
  if (/^[\x21-\x7e]{8,}$/.test(key)) return key
  throw new Refusal(`${KEY_VARIABLE}: a key needs at least 8 characters, of plain ASCII and without spaces`)
}

async function demo(given: string | undefined): Promise<Setting> {
  const { baseURL, models, close } = await startDemo()
  const key = given ?? DEMO_KEY
  const variables = providersWithKeys.map(({ keyVariable }) => keyVariable)
  return {
    options: {
      providers: { demo: { type: 'openai-compatible', baseURL } },
      models: {
        ...Object.fromEntries(models.map((model) => [model, `demo/${model}`])),
        // The first target fails, so that failover can be seen in `x-modelmount-attempts`.
        'demo-flaky': ['demo/demo-500', 'demo/demo'],
      },
      keys: [{ id: 'demo', key }],
      // So that `x-modelmount-cost` can be seen.
      prices: { 'demo/*': { input: 0.5, output: 1.5 } },
    },
    greeting: {
      about: `a demo upstream, since none of these is set: ${variables.join(', ')}`,
      keyInShell: key.replace(/["$`\\]/g, '\\$&'),
      // It guards nothing but the demo.
      keyNote: key,
    },
    close,
  }
}

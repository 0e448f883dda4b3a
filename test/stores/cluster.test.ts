import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { ConfigInput } from '../../src/index.js'

// The processes load dist/: `npm test` builds it.
const SCRIPT = fileURLToPath(new URL('cluster-relay.mjs', import.meta.url))

type Options = Partial<ConfigInput> & { readonly authenticate?: boolean }

interface Result {
  readonly logs: readonly { readonly details: object; readonly message: string }[]
}

async function run(input: { workers?: number; alone?: boolean }, options: Options): Promise<unknown> {
  const provider = { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1', apiKey: 'sk-any' }
  const keys = [{ id: 'alice', key: 'sk-caller-00000001' }]
  const child = fork(SCRIPT, [JSON.stringify({ ...input, options: { providers: { up: provider }, keys, ...options } })])
  const [message] = await once(child, 'message')
  return message
}

/** What each relay of a cluster warned of. */
async function warningsIn(workers: number, options: Options): Promise<string[][]> {
  const results = (await run({ workers }, options)) as Result[]
  return results.map(({ logs }) => logs.map(({ message }) => message))
}

const LIMITS =
  'each worker of the cluster counts limits for itself, so callers get them once per worker: set `store.redis`'
const BOTH =
  'each worker of the cluster counts limits and budgets for itself, so callers get them once per worker: set `store.redis`'
const BUDGETS =
  'each worker of the cluster counts budgets for itself, so callers get them once per worker: set `store.redis` or `store.sql`'

const budget = { usd: 1 } as const
// Relays connect at their first call. So no database needs to be there.
const redis = 'redis://127.0.0.1:9'
const sql = 'postgres://127.0.0.1:9/relay'

it('warns once in each worker of a cluster whose limits no store shares', async () => {
  expect(await warningsIn(2, { limits: { rpm: 60 } })).toEqual([[LIMITS], [LIMITS]])
})

it.each<[string, Options, string[]]>([
  ['a limit for all callers', { limits: { relay: { concurrency: 5 } } }, [LIMITS]],
  ['a limit of a model', { limits: { models: { 'gpt-*': { rpm: 1 } } } }, [LIMITS]],
  ['a limit of a key', { keys: [{ id: 'bob', key: 'sk-caller-2', limits: { tpm: 9 } }] }, [LIMITS]],
  ['a limit of a group', { groups: { default: { keyLimits: { rpm: 9 } } } }, [LIMITS]],
  ['a budget of a group', { groups: { default: { budget } } }, [BUDGETS]],
  ['limits and budgets', { limits: { rpm: 60 }, keys: [{ id: 'bob', key: 'sk-caller-2', budget }] }, [BOTH]],
  ['callers of the host, who may have both', { keys: [], authenticate: true }, [BOTH]],
  [
    'a database, which shares budgets only',
    { limits: { rpm: 60 }, groups: { default: { budget } }, store: { sql } },
    [LIMITS],
  ],
  ['budgets in a database', { groups: { default: { budget } }, store: { sql } }, []],
  ['limits and budgets in Redis', { limits: { rpm: 60 }, groups: { default: { budget } }, store: { redis } }, []],
  ['neither limits nor budgets', {}, []],
])('warns in a worker with %s', async (_name, options, expected) => {
  expect(await warningsIn(1, options)).toEqual([expected])
})

it('warns of nothing in a process that is no worker of a cluster', async () => {
  const { logs } = (await run({ alone: true }, { limits: { rpm: 60 } })) as Result
  expect(logs).toEqual([])
})

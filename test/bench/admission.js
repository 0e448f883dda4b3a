// What limits and budgets cost a call in memory, in a loop in one process; and what a hundred thousand keys cost at rest.
import { createRelay } from '../../dist/src/index.js'
import { Admission } from '../../dist/src/policies/admit.js'
import { Budgets } from '../../dist/src/policies/budget.js'
import { Groups } from '../../dist/src/policies/groups.js'
import { Limiter } from '../../dist/src/policies/limit.js'
import { localLimits } from '../../dist/src/stores/guarded.js'
import { MemoryLedger } from '../../dist/src/stores/memory-ledger.js'
import { MemoryLimits } from '../../dist/src/stores/memory-limits.js'

const CALLS = 300_000
const ROUNDS = 7
const CALLERS = 1000

const groups = new Groups({ default: { multiplier: 1, limits: { rpm: 1e9 }, budget: { usd: 1e6, per: 'month' } } })
const pricing = ({ input, output }) => input * 1000 + output * 4000
const limits = localLimits(new MemoryLimits())
const admission = new Admission({
  limiter: new Limiter({ relay: { concurrency: 1e6 } }, groups),
  limits,
  budgets: new Budgets(groups),
  ledger: new MemoryLedger(),
  prices: { of: () => pricing, assumed: () => pricing },
  assumedOutputTokens: 1000,
})
const target = { name: 'up/model', model: 'model' }
const plan = { targets: [target], onContextTooLong: [], onContentFilter: [] }
const own = { limits: { rpm: 1e9, tpm: 1e12, concurrency: 1e6 } }
const limited = Array.from({ length: CALLERS }, (_, index) => ({ id: `key${index}`, ...own }))
const paying = limited.map((caller) => ({ ...caller, id: `paying-${caller.id}`, budget: { usd: 1e6, per: 'month' } }))
const body = Buffer.alloc(500)
const facts = { model: 'model', maxOutputTokens: 500, choices: 1 }

const measure = async (callers) => {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.cpuUsage()
    for (let call = 0; call < CALLS; call++) {
      const lease = admission.admit({ caller: callers[call % CALLERS], facts, body, told: {} }, plan)
      const granted = lease instanceof Promise ? await lease : lease
      granted.settle({ tokens: 400, nanos: 1_000_000 })
    }
    const { user, system } = process.cpuUsage(from)
    best = Math.min(best, (user + system) / CALLS)
  }
  return best.toFixed(2)
}

// A group's budget makes every call of its members a paid one: the first row is of callers of no group.
const free = new Admission({
  limiter: new Limiter({ relay: { concurrency: 1e6 } }, new Groups({})),
  limits,
  budgets: new Budgets(new Groups({})),
})
let best = Number.POSITIVE_INFINITY
for (let round = 0; round < ROUNDS; round++) {
  const from = process.cpuUsage()
  for (let call = 0; call < CALLS; call++)
    free.admit({ caller: limited[call % CALLERS], facts, body, told: {} }, plan).settle({ tokens: 400, nanos: 0 })
  const { user, system } = process.cpuUsage(from)
  best = Math.min(best, (user + system) / CALLS)
}
console.log(`limits of key and relay:                      ${best.toFixed(2)} µs a call`)
console.log(`limits of key, group, relay; budgets of both: ${await measure(paying)} µs a call`)

const KEYS = 100_000
globalThis.gc?.()
const before = process.memoryUsage().rss
const relay = createRelay({
  providers: { up: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1' } },
  keys: Array.from({ length: KEYS }, (_, index) => ({
    id: `key${index}`,
    key: `sk-0000000000${index}`,
    ...own,
    budget: { usd: 10 },
  })),
  logger: false,
})
globalThis.gc?.()
console.log(
  `${KEYS} keys with limits and budgets:            ${((process.memoryUsage().rss - before) / 1e6).toFixed(0)} MB resident`,
)
const buckets = new MemoryLimits()
globalThis.gc?.()
const empty = process.memoryUsage().heapUsed
for (let key = 0; key < KEYS; key++)
  buckets.take([{ name: `key:key${key}`, ...own.limits, rpm: 100 }], { requests: 1, tokens: 900, slots: 1 })
globalThis.gc?.()
console.log(
  `their buckets, all in use:                    ${((process.memoryUsage().heapUsed - empty) / 1e6).toFixed(0)} MB`,
)
const idle = process.cpuUsage()
await new Promise((resolve) => setTimeout(resolve, 3000))
const { user, system } = process.cpuUsage(idle)
console.log(
  `idle for three seconds:                       ${((user + system) / 1000).toFixed(1)} ms of CPU, ${buckets.size} buckets`,
)
await relay.close()

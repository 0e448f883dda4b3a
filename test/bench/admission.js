// Measures limits and budgets in memory, in a loop in one process, and the memory of a hundred thousand keys.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { Groups } from '../../src/policies/access/groups.js'
import { Admission } from '../../src/policies/admission/admission.js'
import { Budgets } from '../../src/policies/admission/budgets.js'
import { Limiter } from '../../src/policies/admission/limiter.js'
import { MemoryLedger } from '../../src/stores/memory/ledger.js'
import { MemoryLimits } from '../../src/stores/memory/limits.js'
import { localLimits } from '../../src/stores/resilience/resilient-stores.js'

const CALLS = 300_000
const ROUNDS = 7
const CALLERS = 1000

const groups = new Groups({
  other: { multiplier: 1 },
  default: { multiplier: 1, limits: { rpm: 1e9 }, budget: { usd: 1e6, per: 'month' } },
})
const pricing = ({ input, output }) => input * 1000 + output * 4000
const limits = localLimits(new MemoryLimits())
const admission = new Admission({
  limiter: new Limiter({ relay: { concurrency: 1e6 } }, groups),
  limits,
  budgets: new Budgets(groups),
  ledger: new MemoryLedger(),
  prices: { pricingOf: () => pricing, assumedPricing: () => pricing },
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
      const lease = admission.admit({ caller: callers[call % CALLERS], facts, body, responseHeaders: {} }, plan)
      const granted = lease instanceof Promise ? await lease : lease
      granted.settle({ tokens: 400, costNanos: 1_000_000 })
    }
    const { user, system } = process.cpuUsage(from)
    best = Math.min(best, (user + system) / CALLS)
  }
  return best.toFixed(2)
}

const simple = limited.map((caller) => ({ ...caller, id: `simple-${caller.id}`, group: 'other', budget: { usd: 1e6 } }))

// A group's budget makes every call of its members a paid one, so the first row has callers without a group.
const free = new Admission({
  limiter: new Limiter({ relay: { concurrency: 1e6 } }, new Groups({})),
  limits,
  budgets: new Budgets(new Groups({})),
})
let best = Number.POSITIVE_INFINITY
for (let round = 0; round < ROUNDS; round++) {
  const from = process.cpuUsage()
  for (let call = 0; call < CALLS; call++)
    free
      .admit({ caller: limited[call % CALLERS], facts, body, responseHeaders: {} }, plan)
      .settle({ tokens: 400, costNanos: 0 })
  const { user, system } = process.cpuUsage(from)
  best = Math.min(best, (user + system) / CALLS)
}
console.log(`limits of key and relay:                      ${best.toFixed(2)} µs a call`)
console.log(`limits of key and relay, budget of key:       ${await measure(simple)} µs a call`)
console.log(`limits of key, group, relay; budgets of both: ${await measure(paying)} µs a call`)

// Each in its own process, since a grown heap hides additions.
const rest = join(import.meta.dirname, 'keys-at-rest.js')
const atRest = (...words) =>
  JSON.parse(execFileSync(process.execPath, ['--expose-gc', rest, ...words], { encoding: 'utf8' }))
const few = atRest('1')
const many = atRest('100000')
console.log(
  `100,000 keys, each with limits and a budget:  ${((many.resident - few.resident) / 1e6).toFixed(0)} MB resident, ${((many.heap - few.heap) / 1e6).toFixed(0)} MB of heap`,
)
console.log(
  `the same after a call of each:                ${((many.usedResident - few.usedResident) / 1e6).toFixed(0)} MB resident, ${((many.usedHeap - few.usedHeap) / 1e6).toFixed(0)} MB of heap`,
)
console.log(
  `idle for three seconds:                       ${many.idleMs.toFixed(1)} ms of CPU (${few.idleMs.toFixed(1)} with one key)`,
)

import { randomText } from '../../src/lib/ids.js'
import { openSql } from '../../src/stores/sql/open.js'
import type { UsageRecord } from '../../src/stores/usage.js'
import { openDatabase, type Place } from './drivers.js'

// child.ts runs this program and kills it: it makes calls without end, twenty at a time.

const [, , place = '', account = ''] = process.argv
const stores = await openSql(openDatabase(JSON.parse(place) as Place).database, { leaseMs: 1500, flushMs: 5 })

const record: Omit<UsageRecord, 'time' | 'costNanos'> = {
  requestId: 'req',
  callerId: account,
  group: 'default',
  tags: [],
  operation: 'chat',
  protocol: 'endless',
  model: 'small',
  stream: false,
  target: undefined,
  attempts: [],
  status: 200,
  outcome: 'complete',
  inputTokens: 1,
  cachedInputTokens: undefined,
  outputTokens: 1,
  reasoningTokens: undefined,
  estimated: false,
  multiplier: 1,
  cache: undefined,
  losses: [],
  firstOutputMs: undefined,
  totalMs: 1,
  error: undefined,
}

async function call(): Promise<void> {
  const reservation = { id: randomText(16), amountNanos: 1000, caps: [{ account, period: 'total', limitNanos: 1e15 }] }
  await stores.ledger.reserve(reservation)
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
  const costNanos = Math.floor(Math.random() * 2000)
  void stores.ledger.settle(reservation, costNanos)
  stores.usage.write({ ...record, time: new Date(), costNanos })
}

async function endless(): Promise<void> {
  for (;;) await call()
}

await Promise.all(Array.from({ length: 20 }, call))
await stores.usage.flush()
console.log('working')
await Promise.all(Array.from({ length: 20 }, endless))

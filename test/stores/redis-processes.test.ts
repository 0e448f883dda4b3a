import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { LimitScope, LimitTake } from '../../src/stores/limits.js'
import { RedisLedger } from '../../src/stores/redis/ledger.js'
import { RedisLimits } from '../../src/stores/redis/limits.js'
import { describeWithRedis, type RedisServer } from '../redis-server.js'
import { makeCredit, makeHold } from './ledger.suite.js'
import { makeScope, passing } from './limits.suite.js'
import { openIoredis } from './redis-clients.js'

const PROCESSES = 4
const RUN_MS = 2500

/** What a worker says at its end. `most`: slots in use at a time, by all workers. */
interface Tally {
  readonly passed: number
  readonly refused: number
  readonly most: number
  /** When it began and ended to take, in epoch ms. */
  readonly from: number
  readonly to: number
}

interface Work {
  readonly scope: LimitScope
  readonly draw: LimitTake
  readonly leaseMs: number
  readonly holdMs: number
}

// The workers run what is built: `npm test` builds first.
describeWithRedis('four processes and one Redis', (server) => {
  it.each<[string, LimitScope, LimitTake]>([
    ['requests', makeScope({ rpm: 3000 }), { requests: 1, tokens: 0, slots: 0 }],
    ['tokens', makeScope({ tpm: 300_000 }), { requests: 1, tokens: 100, slots: 0 }],
  ])('let pass what one would: %s', async (_, scope, draw) => {
    const workers = await startWorkers(server, { scope, draw, leaseMs: 5000, holdMs: 0 })
    const { tallies, ms } = await run(workers)
    const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0)
    const allowed = 3000 + ms / 20
    expect(passed).toBeLessThanOrEqual(allowed)
    expect(passed).toBeGreaterThan(0.99 * allowed - 1)
    for (const { refused } of tallies) expect(refused).toBeGreaterThan(0)
  })

  it('have as many slots as one would', async () => {
    const work = { scope: makeScope({ concurrency: 20 }), draw: SLOT, leaseMs: 5000, holdMs: 5 }
    const { tallies } = await run(await startWorkers(server, work))
    expect(Math.max(...tallies.map(({ most }) => most))).toBe(20)
    for (const { passed } of tallies) expect(passed).toBeGreaterThan(0)
    const { client, close } = await openIoredis(server.url)
    expect(await passing({ limits: new RedisLimits(client) }, 50, [work.scope], SLOT)).toBe(20)
    await close()
  })

  it('have the slots of one that was killed when its lease is over', async () => {
    const work = { scope: makeScope({ concurrency: 5 }), draw: SLOT, leaseMs: 1000, holdMs: 60_000 }
    const { client, close } = await openIoredis(server.url)
    const [worker] = await startWorkers(server, work, 1)
    const limits = new RedisLimits(client)
    worker?.send('go')
    while (Number(await client.get(`inside:${work.scope.name}`)) < 5) await sleep(20)
    await sleep(2 * work.leaseMs)
    expect(await passing({ limits }, 9, [work.scope], SLOT)).toBe(0)
    const killed = performance.now()
    worker?.kill('SIGKILL')
    await sleep(work.leaseMs / 4)
    expect(await passing({ limits }, 9, [work.scope], SLOT)).toBe(0)
    await sleep(killed + work.leaseMs + 50 - performance.now())
    expect(await passing({ limits }, 9, [work.scope], SLOT)).toBe(5)
    await limits.close()
    await close()
  })

  it('have the money back that one held that was killed', async () => {
    const { client, close } = await openIoredis(server.url)
    const ledger = new RedisLedger(client)
    const hold = makeHold(700, [makeCredit(1000)])
    const [credit] = hold.caps as [(typeof hold.caps)[0]]
    const worker = startWorker('ledger-worker.mjs', { url: server.url, hold, leaseMs: 1000 })
    await once(worker, 'message')
    await sleep(1500)
    await client.del(SWEPT)
    expect(await ledger.reserve(makeHold(700, [credit]))).toEqual(credit)
    worker.kill('SIGKILL')
    await sleep(1200)
    await client.del(SWEPT)
    expect(await ledger.reserve(makeHold(700, [credit]))).toBeUndefined()
    expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent: 0, held: 700 })
    await ledger.settle(hold, 650)
    expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent: 650, held: 700 })
    await ledger.close()
    await close()
  })
})

/** While it is there, nobody looks for dead processes. */
const SWEPT = '{modelmount}:ledger:swept'

const SLOT: LimitTake = { requests: 0, tokens: 0, slots: 1 }

async function startWorkers(server: RedisServer, work: Work, count = PROCESSES): Promise<ChildProcess[]> {
  const workers = Array.from({ length: count }, () => startWorker('limit-worker.mjs', { ...work, url: server.url }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  return workers
}

function startWorker(file: string, settings: object): ChildProcess {
  return fork(join(import.meta.dirname, file), [JSON.stringify(settings)], { execArgv: [] })
}

/** All go at once, and stop after a while. `ms`: how long any of them took. */
async function run(workers: readonly ChildProcess[]): Promise<{ tallies: Tally[]; ms: number }> {
  for (const worker of workers) worker.send('go')
  const ends = Promise.all(workers.map((worker) => once(worker, 'message')))
  await sleep(RUN_MS)
  for (const worker of workers) worker.send('stop')
  const tallies = (await ends).map(([tally]) => tally as Tally)
  const ms = Math.max(...tallies.map(({ to }) => to)) - Math.min(...tallies.map(({ from }) => from))
  return { tallies, ms }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

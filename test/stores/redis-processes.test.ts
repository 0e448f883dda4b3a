import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { LimitScope, LimitTake } from '../../src/stores/limits.js'
import { RedisLedger } from '../../src/stores/redis/ledger.js'
import { RedisLimits } from '../../src/stores/redis/limits.js'
import { describeWithRedis, type RedisServer } from '../redis-server.js'
import { makeCap, makeReservation } from './ledger.suite.js'
import { makeScope, passing } from './limits.suite.js'
import { openIoredis } from './redis-clients.js'

const PROCESSES = 4
const RUN_MS = 2500

/** What a worker reports at its end. */
interface Tally {
  readonly passed: number
  readonly refused: number
  /** The most slots in use at a time, by all workers. */
  readonly maxSlots: number
  /** When it began and ended, in epoch ms. */
  readonly startedAt: number
  readonly endedAt: number
}

interface Work {
  readonly scope: LimitScope
  readonly take: LimitTake
  readonly leaseMs: number
  readonly useMs: number
}

// tsx lets the workers import the sources.
describeWithRedis('four processes and one Redis', (server) => {
  it.each<[string, LimitScope, LimitTake]>([
    ['requests', makeScope({ rpm: 3000 }), { requests: 1, tokens: 0, slots: 0 }],
    ['tokens', makeScope({ tpm: 300_000 }), { requests: 1, tokens: 100, slots: 0 }],
  ])('together pass as many calls as one process would: %s', async (_, scope, take) => {
    const workers = await startWorkers(server, { scope, take, leaseMs: 5000, useMs: 0 })
    const { tallies, ms } = await run(workers)
    const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0)
    const allowed = 3000 + ms / 20
    expect(passed).toBeLessThanOrEqual(allowed)
    expect(passed).toBeGreaterThan(0.99 * allowed - 1)
    for (const { refused } of tallies) expect(refused).toBeGreaterThan(0)
  })

  it('together have as many slots as one process would', async () => {
    const work = { scope: makeScope({ concurrency: 20 }), take: SLOT, leaseMs: 5000, useMs: 5 }
    const { tallies } = await run(await startWorkers(server, work))
    expect(Math.max(...tallies.map(({ maxSlots }) => maxSlots))).toBe(20)
    for (const { passed } of tallies) expect(passed).toBeGreaterThan(0)
    const { client, close } = await openIoredis(server.url)
    expect(await passing({ limits: new RedisLimits(client) }, 50, [work.scope], SLOT)).toBe(20)
    await close()
  })

  it('get the slots of a killed process when its lease expires', async () => {
    const work = { scope: makeScope({ concurrency: 5 }), take: SLOT, leaseMs: 1000, useMs: 60_000 }
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

  it('get back the money that a killed process had reserved', async () => {
    const { client, close } = await openIoredis(server.url)
    const ledger = new RedisLedger(client)
    const reservation = makeReservation(700, [makeCap(1000)])
    const [cap] = reservation.caps as [(typeof reservation.caps)[0]]
    const worker = startWorker('ledger-worker.mjs', { url: server.url, reservation, leaseMs: 1000 })
    await once(worker, 'message')
    await sleep(1500)
    await client.del(SWEPT)
    expect(await ledger.reserve(makeReservation(700, [cap]))).toEqual(cap)
    worker.kill('SIGKILL')
    await sleep(1200)
    await client.del(SWEPT)
    expect(await ledger.reserve(makeReservation(700, [cap]))).toBeUndefined()
    expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent: 0, held: 700 })
    await ledger.settle(reservation, 650)
    expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent: 650, held: 700 })
    await ledger.close()
    await close()
  })
})

/** While this key exists, no process looks for dead processes. */
const SWEPT = '{modelmount}:ledger:swept'

const SLOT: LimitTake = { requests: 0, tokens: 0, slots: 1 }

async function startWorkers(server: RedisServer, work: Work, count = PROCESSES): Promise<ChildProcess[]> {
  const workers = Array.from({ length: count }, () => startWorker('limit-worker.mjs', { ...work, url: server.url }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  return workers
}

function startWorker(file: string, settings: object): ChildProcess {
  return fork(join(import.meta.dirname, file), [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] })
}

/** All workers start at the same time, and stop after a while. `ms`: from the first start to the last end. */
async function run(workers: readonly ChildProcess[]): Promise<{ tallies: Tally[]; ms: number }> {
  for (const worker of workers) worker.send('go')
  const ends = Promise.all(workers.map((worker) => once(worker, 'message')))
  await sleep(RUN_MS)
  for (const worker of workers) worker.send('stop')
  const tallies = (await ends).map(([tally]) => tally as Tally)
  const ms = Math.max(...tallies.map(({ endedAt }) => endedAt)) - Math.min(...tallies.map(({ startedAt }) => startedAt))
  return { tallies, ms }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

import { describe, expect, it } from 'vitest'
import type { RedisClient } from '../../src/stores/redis/client.js'
import { RedisLedger } from '../../src/stores/redis/ledger.js'
import { describeWithRedis, type RedisServer } from '../redis-server.js'
import { ledgerSuite, makeCap, makeReservation } from './ledger.suite.js'
import { openIoredis, redisClients } from './redis-clients.js'

describeWithRedis('a ledger in Redis', (server) => {
  for (const [name, open] of redisClients) {
    const openLedger = async () => {
      const { client, close } = await open(server.url)
      const ledger = new RedisLedger(client)
      return { ledger, close: () => ledger.close().then(close) }
    }
    ledgerSuite(`by ${name}`, openLedger, { shared: true })
  }
  describe('leases', () => testLeases(server))
  describe('failures', () => testFailures(server))
})

function testLeases(server: RedisServer): void {
  it('last as long as the process has reservations', async () => {
    const { client, close } = await openIoredis(server.url)
    const [one, other] = [new RedisLedger(client, { leaseMs: 600 }), new RedisLedger(client)]
    const reservation = makeReservation(900, [makeCap(1000)])
    await one.reserve(reservation)
    await sleep(1500)
    await client.del('{modelmount}:ledger:swept')
    expect(await other.reserve(makeReservation(200, reservation.caps))).toEqual(reservation.caps[0])
    await one.close()
    expect(await other.reserve(makeReservation(200, reservation.caps))).toBeUndefined()
    await other.close()
    await close()
  })

  it('come back with all reservations when a process was only paused', async () => {
    const { client, close } = await openIoredis(server.url)
    const [sleeper, other] = [new RedisLedger(client, { leaseMs: 300 }), new RedisLedger(client)]
    const [lasting, brief] = [makeReservation(500, [makeCap(1000)]), makeReservation(300, [makeCap(1000)])]
    await other.reserve(makeReservation(1, [makeCap(1)]))
    await sleeper.reserve(lasting)
    await sleeper.reserve(brief)
    await client.del('{modelmount}:ledger:swept')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
    const sweeping = other.reserve(makeReservation(1000, lasting.caps))
    const late = sleeper.settle(brief, 250)
    expect(await sweeping).toBeUndefined()
    await late
    await sleep(150)
    expect(await standOf(other, lasting)).toEqual({ spent: 0, held: 1500 })
    expect(await standOf(other, brief)).toEqual({ spent: 250, held: 0 })
    await sleeper.settle(lasting, 400)
    expect(await standOf(other, lasting)).toEqual({ spent: 400, held: 1000 })
    await Promise.all([sleeper.close(), other.close()])
    await close()
  })
}

function testFailures(server: RedisServer): void {
  it('settles when Redis answers again', async () => {
    const { client, close } = await openIoredis(server.url)
    const { flaky, fail } = flakyClient(client)
    const ledger = new RedisLedger(flaky, { leaseMs: 3000 })
    const reservation = makeReservation(500, [makeCap(1000)])
    await ledger.reserve(reservation)
    fail('before')
    await expect(ledger.settle(reservation, 120)).rejects.toThrow('lost')
    expect(await standOf(new RedisLedger(client), reservation)).toEqual({ spent: 0, held: 500 })
    fail(undefined)
    await sleep(1200)
    expect(await standOf(ledger, reservation)).toEqual({ spent: 120, held: 0 })
    await ledger.close()
    await close()
  })

  it('releases a reservation whose reply was lost, and still charges it', async () => {
    const { client, close } = await openIoredis(server.url)
    const { flaky, fail } = flakyClient(client)
    const ledger = new RedisLedger(flaky, { leaseMs: 3000 })
    await ledger.reserve(makeReservation(1, [makeCap(1)]))
    const reservation = makeReservation(500, [makeCap(1000)])
    fail('after')
    await expect(ledger.reserve(reservation)).rejects.toThrow('lost')
    fail(undefined)
    expect(await standOf(ledger, reservation)).toEqual({ spent: 0, held: 500 })
    await sleep(1200)
    expect(await standOf(ledger, reservation)).toEqual({ spent: 0, held: 0 })
    await ledger.settle(reservation, 40)
    expect(await standOf(ledger, reservation)).toEqual({ spent: 40, held: 0 })
    await ledger.close()
    await close()
  })
}

/** A client whose connection breaks before or after Redis has run a command. */
function flakyClient(client: { call(command: string, ...words: string[]): Promise<unknown> }): {
  flaky: RedisClient
  fail(when: 'before' | 'after' | undefined): void
} {
  let failing: 'before' | 'after' | undefined
  const call = async (command: string, ...words: string[]): Promise<unknown> => {
    if (failing === 'before') throw new Error('the connection is lost')
    const answer = await client.call(command, ...words)
    if (failing === 'after') throw new Error('the connection is lost')
    return answer
  }
  const fail = (when: 'before' | 'after' | undefined): void => {
    failing = when
  }
  return { flaky: { call }, fail }
}

function standOf(ledger: RedisLedger, { caps }: ReturnType<typeof makeReservation>): Promise<object> {
  return ledger.balance(caps[0]?.account ?? '', caps[0]?.period ?? '')
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

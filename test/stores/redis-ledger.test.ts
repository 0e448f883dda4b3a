import { describe, expect, it } from 'vitest'
import type { RedisClient } from '../../src/stores/redis/client.js'
import { RedisLedger } from '../../src/stores/redis/ledger.js'
import { describeWithRedis, type RedisServer } from '../redis-server.js'
import { ledgerSuite, makeCredit, makeHold } from './ledger.suite.js'
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
  it('last as long as anything is held', async () => {
    const { client, close } = await openIoredis(server.url)
    const [one, other] = [new RedisLedger(client, { leaseMs: 600 }), new RedisLedger(client)]
    const hold = makeHold(900, [makeCredit(1000)])
    await one.reserve(hold)
    await sleep(1500)
    await client.del('{modelmount}:ledger:swept')
    expect(await other.reserve(makeHold(200, hold.caps))).toEqual(hold.caps[0])
    await one.close()
    expect(await other.reserve(makeHold(200, hold.caps))).toBeUndefined()
    await other.close()
    await close()
  })

  it('come back with all that was held when a process has only slept', async () => {
    const { client, close } = await openIoredis(server.url)
    const [sleeper, other] = [new RedisLedger(client, { leaseMs: 300 }), new RedisLedger(client)]
    const [lasting, brief] = [makeHold(500, [makeCredit(1000)]), makeHold(300, [makeCredit(1000)])]
    await other.reserve(makeHold(1, [makeCredit(1)]))
    await sleeper.reserve(lasting)
    await sleeper.reserve(brief)
    await client.del('{modelmount}:ledger:swept')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
    const sweeping = other.reserve(makeHold(1000, lasting.caps))
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
  it('settles when Redis is there again', async () => {
    const { client, close } = await openIoredis(server.url)
    const { flaky, fail } = flakyClient(client)
    const ledger = new RedisLedger(flaky, { leaseMs: 3000 })
    const hold = makeHold(500, [makeCredit(1000)])
    await ledger.reserve(hold)
    fail('before')
    await expect(ledger.settle(hold, 120)).rejects.toThrow('lost')
    expect(await standOf(new RedisLedger(client), hold)).toEqual({ spent: 0, held: 500 })
    fail(undefined)
    await sleep(1200)
    expect(await standOf(ledger, hold)).toEqual({ spent: 120, held: 0 })
    await ledger.close()
    await close()
  })

  it('releases what was held without its knowing, and charges it all the same', async () => {
    const { client, close } = await openIoredis(server.url)
    const { flaky, fail } = flakyClient(client)
    const ledger = new RedisLedger(flaky, { leaseMs: 3000 })
    await ledger.reserve(makeHold(1, [makeCredit(1)]))
    const hold = makeHold(500, [makeCredit(1000)])
    fail('after')
    await expect(ledger.reserve(hold)).rejects.toThrow('lost')
    fail(undefined)
    expect(await standOf(ledger, hold)).toEqual({ spent: 0, held: 500 })
    await sleep(1200)
    expect(await standOf(ledger, hold)).toEqual({ spent: 0, held: 0 })
    await ledger.settle(hold, 40)
    expect(await standOf(ledger, hold)).toEqual({ spent: 40, held: 0 })
    await ledger.close()
    await close()
  })
}

/** A client whose connection breaks before a command has come through, or after it. */
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

function standOf(ledger: RedisLedger, { caps }: ReturnType<typeof makeHold>): Promise<object> {
  return ledger.balance(caps[0]?.account ?? '', caps[0]?.period ?? '')
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

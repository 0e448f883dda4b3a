import { describe, expect, it } from 'vitest'
import { RedisLimits } from '../../src/stores/redis/limits.js'
import { describeWithRedis, type RedisServer } from '../redis-server.js'
import { limitsSuite, makeScope, passing } from './limits.suite.js'
import { openIoredis, redisClients } from './redis-clients.js'

const SLOT = { requests: 0, tokens: 0, slots: 1 }
const REQUEST = { requests: 1, tokens: 0, slots: 0 }

describeWithRedis('limits in Redis', (server) => {
  for (const [name, open] of redisClients) {
    limitsSuite(`by ${name}`, async () => {
      const { client, close } = await open(server.url)
      const limits = new RedisLimits(client)
      return { limits, now: () => performance.now(), pass: sleep, close: () => limits.close().then(close) }
    })
  }
  describe('keys', () => testKeys(server))
  describe('a server that loses state', () => testLostState(server))
  describe('leases', () => testLeases(server))
  describe("the server's clock", () => testClock(server))
})

function testKeys(server: RedisServer): void {
  it('are read and written in one round trip', async () => {
    const { client, close } = await openIoredis(server.url)
    const commands: string[] = []
    const call = (command: string, ...args: string[]): Promise<unknown> => {
      commands.push(command)
      return client.call(command, ...args)
    }
    const limits = new RedisLimits({ call })
    const scopes = [makeScope({ rpm: 10, tpm: 1000, concurrency: 5 }), makeScope({ rpm: 5 }), makeScope({})]
    await limits.take(scopes, SLOT)
    await limits.giveBack(scopes, SLOT)
    commands.length = 0
    await limits.take(scopes, SLOT)
    await limits.giveBack(scopes, SLOT)
    await limits.take([makeScope({})], SLOT)
    expect(commands).toEqual(['EVALSHA', 'EVALSHA'])
    await close()
  })

  it('begin with the prefix, and disappear when nothing is in use', async () => {
    const { client, close } = await openIoredis(server.url)
    await client.flushall()
    const limits = new RedisLimits(client, { prefix: '{mine}:' })
    const scopes = [makeScope({ rpm: 600_000, tpm: 1e9, concurrency: 5 })]
    await limits.take(scopes, { requests: 10, tokens: 100, slots: 1 })
    const keys = await client.keys('*')
    expect(keys).toHaveLength(3)
    expect(keys.filter((key) => !key.startsWith('{mine}:limits:'))).toEqual([])
    await limits.close()
    await sleep(1200)
    expect(await client.keys('*')).toEqual([])
    await close()
  })

  it('are different for each scope, whatever its name', async () => {
    const { client, close } = await openIoredis(server.url)
    const limits = new RedisLimits(client)
    const names = ['a', 'a b', 'a:b', 'é\n"', '{x}', '']
    for (const name of names) {
      expect(await passing({ limits }, 5, [{ name, rpm: 2 }], REQUEST), name).toBe(2)
    }
    await close()
  })
}

function testLostState(server: RedisServer): void {
  it.each(redisClients)('gets the script again: %s', async (_, open) => {
    const { client, close } = await open(server.url)
    const admin = await openIoredis(server.url)
    const limits = new RedisLimits(client)
    const scope = makeScope({ rpm: 10 })
    for (let turn = 0; turn < 3; turn++) {
      await admin.client.script('FLUSH')
      expect(await passing({ limits }, 3, [scope], REQUEST)).toBe(3)
    }
    await Promise.all([close(), admin.close()])
  })

  it.each(redisClients)('learns after a restart which slots are in use: %s', async (_, open) => {
    const { client, close } = await open(server.url)
    const limits = new RedisLimits(client, { leaseMs: 600 })
    const scope = makeScope({ concurrency: 3 })
    expect(await passing({ limits }, 2, [scope], SLOT)).toBe(2)
    await server.stop()
    await server.start()
    expect(await passing({ limits }, 10, [scope], SLOT)).toBe(1)
    await limits.giveBack([scope], SLOT)
    expect(await passing({ limits }, 10, [scope], SLOT)).toBe(1)
    await limits.close()
    await close()
  })

  it('is corrected after a reply was lost', async () => {
    const { client, close } = await openIoredis(server.url)
    let losesReplies = false
    const call = async (command: string, ...args: string[]): Promise<unknown> => {
      const reply = await client.call(command, ...args)
      if (losesReplies) throw new Error('the connection is lost')
      return reply
    }
    const limits = new RedisLimits({ call }, { leaseMs: 3000 })
    const scope = makeScope({ concurrency: 2 })
    await limits.take([scope], SLOT)
    losesReplies = true
    await expect(limits.take([scope], SLOT)).rejects.toThrow('lost')
    losesReplies = false
    expect((await limits.take([scope], SLOT)).exceeded?.kind).toBe('concurrency')
    await sleep(1100)
    expect(await passing({ limits }, 5, [scope], SLOT)).toBe(1)
    await limits.close()
    await close()
  })
}

function testLeases(server: RedisServer): void {
  it('last as long as the process has slots', async () => {
    const { client, close } = await openIoredis(server.url)
    const [one, other] = [new RedisLimits(client, { leaseMs: 600 }), new RedisLimits(client)]
    const scope = makeScope({ concurrency: 2 })
    expect(await passing({ limits: one }, 5, [scope], SLOT)).toBe(2)
    await sleep(1500)
    expect(await passing({ limits: other }, 5, [scope], SLOT)).toBe(0)
    await one.close()
    expect(await passing({ limits: other }, 5, [scope], SLOT)).toBe(2)
    await other.close()
    await close()
  })

  it('come back with all slots when a process was only paused', async () => {
    const { client, close } = await openIoredis(server.url)
    const [sleeper, other] = [new RedisLimits(client, { leaseMs: 300 }), new RedisLimits(client)]
    const scope = makeScope({ concurrency: 3 })
    expect(await passing({ limits: sleeper }, 5, [scope], SLOT)).toBe(3)
    // The other process already has a lease, so its take comes before the sleeper's timer.
    await other.take([makeScope({ concurrency: 1 })], SLOT)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
    expect(await passing({ limits: other }, 5, [scope], SLOT)).toBe(3)
    await sleep(150)
    await other.giveBack([scope], { ...SLOT, slots: 3 })
    expect(await passing({ limits: other }, 5, [scope], SLOT)).toBe(0)
    await sleeper.giveBack([scope], SLOT)
    expect(await passing({ limits: other }, 5, [scope], SLOT)).toBe(1)
    await Promise.all([sleeper.close(), other.close()])
    await close()
  })
}

function testClock(server: RedisServer): void {
  it('refuses no call for longer when it goes back', async () => {
    const { client, close } = await openIoredis(server.url)
    const limits = new RedisLimits(client)
    const scope = makeScope({ rpm: 600, concurrency: 1 })
    await limits.take([scope], { requests: 600, tokens: 0, slots: 1 })
    const inAnHourUs = (Date.now() + 3_600_000) * 1000
    await client.set(`{modelmount}:limits:buckets:${scope.name}`, `60000 0 ${inAnHourUs}`)
    const { exceeded } = await limits.take([scope], REQUEST)
    expect(exceeded?.retryAfterMs).toBeCloseTo(100, 3)
    await sleep(120)
    expect((await limits.take([scope], REQUEST)).exceeded).toBeUndefined()
    await close()
  })

  it('still frees the slots of dead processes when it goes back', async () => {
    const { client, close } = await openIoredis(server.url)
    const limits = new RedisLimits(client)
    const scope = makeScope({ concurrency: 1 })
    const inAnHourUs = (Date.now() + 3_600_000) * 1000
    await client.zadd('{modelmount}:limits:processes', inAnHourUs, '200-dead')
    await client.hset(`{modelmount}:limits:slots:${scope.name}`, '200-dead', 1)
    expect(await passing({ limits }, 2, [scope], SLOT)).toBe(0)
    await sleep(250)
    expect(await passing({ limits }, 2, [scope], SLOT)).toBe(1)
    await limits.close()
    await close()
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

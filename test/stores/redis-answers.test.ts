import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { CachedAnswer } from '../../src/stores/answers.js'
import { RedisAnswerStore } from '../../src/stores/redis/answers.js'
import { RedisCooldowns } from '../../src/stores/redis/cooldowns.js'
import { describeWithRedis } from '../redis-server.js'
import { openIoredis, redisClients } from './redis-clients.js'

const ANSWER: CachedAnswer = {
  status: 200,
  contentType: 'text/event-stream',
  target: 'openai/gpt-5.2',
  fingerprint: 'line\nbreak "é"',
  storedAt: 1_795_000_000_123,
  losses: [{ path: 'messages[0].name', reason: 'Ünknown\nthere' }],
  chunks: [Buffer.from('data: {"a":"ö"}\n\n'), Buffer.alloc(0), Buffer.from([0, 255, 10, 13])],
  times: [0, 1.25, 1000],
}

describeWithRedis('cached answers in Redis', (server) => {
  it.each(redisClients)('are read as they were written: %s', async (_, open) => {
    const { client, close } = await open(server.url)
    const answers = new RedisAnswerStore(client)
    const bytes = randomBytes(1_000_000)
    const whole = { ...ANSWER, chunks: [bytes], times: undefined }
    await answers.set('tenant one\nkey', ANSWER, 60_000)
    await answers.set('whole', whole, 60_000)
    await answers.set('empty', { ...whole, chunks: [] }, 60_000)
    expect(await answers.get('tenant one\nkey')).toEqual(ANSWER)
    expect(await answers.get('whole')).toMatchObject({ status: 200, times: undefined })
    expect((await answers.get('whole'))?.chunks.map((chunk) => chunk.equals(bytes))).toEqual([true])
    expect((await answers.get('empty'))?.chunks).toEqual([])
    expect(await answers.get('other')).toBeUndefined()
    await close()
  })

  it('expire', async () => {
    const { client, close } = await openIoredis(server.url)
    const answers = new RedisAnswerStore(client)
    await answers.set('brief', ANSWER, 99.5)
    await answers.set('never', ANSWER, 0)
    expect(await answers.get('brief')).toEqual(ANSWER)
    expect(await answers.get('never')).toBeUndefined()
    await sleep(150)
    expect(await answers.get('brief')).toBeUndefined()
    await close()
  })

  it('are undefined for text that another program has written', async () => {
    const { client, close } = await openIoredis(server.url)
    for (const text of ['', 'nonsense', '{}', '[]']) {
      await client.set('{modelmount}:answer:foreign', text)
      expect(await new RedisAnswerStore(client).get('foreign'), text).toBeUndefined()
    }
    await close()
  })
})

describeWithRedis('cooldowns in Redis', (server) => {
  it.each(redisClients)('are visible to other processes until they are over: %s', async (name, open) => {
    const { client, close } = await open(server.url)
    const [one, other] = [new RedisCooldowns(client, { prefix: name }), new RedisCooldowns(client, { prefix: name })]
    await one.put({ name: 'openai gpt', kind: 'rate-limit', ms: 100.5 })
    await one.put({ name: 'anthropic é', kind: 'failure', ms: 60_000 })
    const cooldowns = await other.list()
    expect(cooldowns.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      'failure anthropic é',
      'rate-limit openai gpt',
    ])
    const longMs = cooldowns.find(({ kind }) => kind === 'failure')?.ms
    expect(longMs).toBeLessThanOrEqual(60_000)
    expect(longMs).toBeGreaterThan(59_000)
    await sleep(130)
    expect((await other.list()).map(({ name }) => name)).toEqual(['anthropic é'])
    await other.remove('anthropic é')
    expect(await one.list()).toEqual([])
    await close()
  })

  it('leave no key behind when the last one is over', async () => {
    const { client, close } = await openIoredis(server.url)
    const cooldowns = new RedisCooldowns(client)
    await cooldowns.put({ name: 'a', kind: 'failure', ms: 150 })
    await cooldowns.put({ name: 'b', kind: 'failure', ms: 50 })
    await sleep(80)
    expect(await client.exists('{modelmount}:rests')).toBe(1)
    await sleep(120)
    expect(await client.exists('{modelmount}:rests')).toBe(0)
    await close()
  })

  it("do not become longer when the server's clock goes back", async () => {
    const { client, close } = await openIoredis(server.url)
    const cooldowns = new RedisCooldowns(client)
    await client.hset('{modelmount}:rests', 'a', `${Date.now() + 3_600_000} 100 rest`)
    expect((await cooldowns.list()).map(({ ms }) => ms)).toEqual([100])
    await sleep(130)
    expect(await cooldowns.list()).toEqual([])
    await close()
  })
})

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { CachedAnswer } from '../../src/stores/answers.js'
import { RedisAnswers } from '../../src/stores/redis/answers.js'
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
  pieces: [Buffer.from('data: {"a":"ö"}\n\n'), Buffer.alloc(0), Buffer.from([0, 255, 10, 13])],
  times: [0, 1.25, 1000],
}

describeWithRedis('answers in Redis', (server) => {
  it.each(redisClients)('come back as they went: %s', async (_, open) => {
    const { client, close } = await open(server.url)
    const answers = new RedisAnswers(client)
    const bytes = randomBytes(1_000_000)
    const whole = { ...ANSWER, pieces: [bytes], times: undefined }
    await answers.set('tenant one\nkey', ANSWER, 60_000)
    await answers.set('whole', whole, 60_000)
    await answers.set('empty', { ...whole, pieces: [] }, 60_000)
    expect(await answers.get('tenant one\nkey')).toEqual(ANSWER)
    expect(await answers.get('whole')).toMatchObject({ status: 200, times: undefined })
    expect((await answers.get('whole'))?.pieces.map((piece) => piece.equals(bytes))).toEqual([true])
    expect((await answers.get('empty'))?.pieces).toEqual([])
    expect(await answers.get('other')).toBeUndefined()
    await close()
  })

  it('are kept for their time only', async () => {
    const { client, close } = await openIoredis(server.url)
    const answers = new RedisAnswers(client)
    await answers.set('brief', ANSWER, 99.5)
    await answers.set('never', ANSWER, 0)
    expect(await answers.get('brief')).toEqual(ANSWER)
    expect(await answers.get('never')).toBeUndefined()
    await sleep(150)
    expect(await answers.get('brief')).toBeUndefined()
    await close()
  })

  it('are no answers where somebody else has written', async () => {
    const { client, close } = await openIoredis(server.url)
    for (const text of ['', 'nonsense', '{}', '[]']) {
      await client.set('{modelmount}:answer:foreign', text)
      expect(await new RedisAnswers(client).get('foreign'), text).toBeUndefined()
    }
    await close()
  })
})

describeWithRedis('rests in Redis', (server) => {
  it.each(redisClients)('are told to the others, until they are over: %s', async (name, open) => {
    const { client, close } = await open(server.url)
    const [one, other] = [new RedisCooldowns(client, { prefix: name }), new RedisCooldowns(client, { prefix: name })]
    await one.put({ name: 'openai gpt', kind: 'pause', ms: 100.5 })
    await one.put({ name: 'anthropic é', kind: 'rest', ms: 60_000 })
    const rests = await other.list()
    expect(rests.map((rest) => `${rest.kind} ${rest.name}`).sort()).toEqual(['pause openai gpt', 'rest anthropic é'])
    const long = rests.find(({ kind }) => kind === 'rest')?.ms
    expect(long).toBeLessThanOrEqual(60_000)
    expect(long).toBeGreaterThan(59_000)
    await sleep(130)
    expect((await other.list()).map((rest) => rest.name)).toEqual(['anthropic é'])
    await other.remove('anthropic é')
    expect(await one.list()).toEqual([])
    await close()
  })

  it('are over all at once when the last is: nothing stays', async () => {
    const { client, close } = await openIoredis(server.url)
    const rests = new RedisCooldowns(client)
    await rests.put({ name: 'a', kind: 'rest', ms: 150 })
    await rests.put({ name: 'b', kind: 'rest', ms: 50 })
    await sleep(80)
    expect(await client.exists('{modelmount}:rests')).toBe(1)
    await sleep(120)
    expect(await client.exists('{modelmount}:rests')).toBe(0)
    await close()
  })

  it("are no longer for the server's clock having gone back", async () => {
    const { client, close } = await openIoredis(server.url)
    const rests = new RedisCooldowns(client)
    await client.hset('{modelmount}:rests', 'a', `${Date.now() + 3_600_000} 100 rest`)
    expect((await rests.list()).map(({ ms }) => ms)).toEqual([100])
    await sleep(130)
    expect(await rests.list()).toEqual([])
    await close()
  })
})

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

import { afterEach, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { describeWithRedis } from '../redis-server.js'
import { KEY } from '../test-relay.js'
import type { WebSocketClient } from './open-web-socket.js'
import { startSessionHarness } from './session-harness.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

let runs = 0

describeWithRedis('sessions with limits in Redis', (server) => {
  const start = (limits: object) =>
    startSessionHarness(cleanup, {
      store: { redis: server.url, prefix: `sockets-${++runs}:` },
      prices: { 'gpt-realtime': { input: 1, output: 1 } },
      keys: [{ id: 'alice', key: KEY, limits, budget: { usd: 1 } }],
    })

  it('occupy one slot each, and their answers need none', async () => {
    const { open, refused, relay } = await start({ concurrency: 2 })
    const clients = [await open(), await open()]
    expect((await refused()).status).toBe(429)
    for (const client of clients) client.send({ type: 'response.create' })
    for (const client of clients) await expect.poll(() => client.of('response.done').length).toBe(1)
    await expect.poll(() => relay.balance('key:alice')).toEqual({ spent: 60_000, held: 0 })
    for (const client of clients) client.socket.terminate()
    await expect
      .poll(() =>
        open().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  })

  it('count the answers of parallel sessions against one limit', async () => {
    const { open, records } = await start({ rpm: 11 })
    const clients: WebSocketClient[] = []
    for (let opened = 0; opened < 4; opened++) clients.push(await open())
    for (const client of clients) for (let asked = 0; asked < 3; asked++) client.send({ type: 'response.create' })
    const all = (type: string): number => clients.reduce((sum, client) => sum + client.of(type).length, 0)
    await expect.poll(() => all('response.done') + all('error')).toBe(12)
    expect(all('response.done')).toBe(7)
    await expect.poll(() => records.filter(({ outcome }) => outcome === 'complete').length).toBe(7)
    clients[0]?.send({ type: 'input_audio_buffer.commit' })
    expect((await clients[0]?.closed)?.code).toBe(1008)
  })

  it('get no answers with a budget while it is down', async () => {
    const { open, upstream } = await start({ rpm: 10 })
    const client = await open()
    await server.stop()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('error').length, { timeout: 5000 }).toBe(1)
    expect(upstream.heard).toHaveLength(0)
    client.socket.terminate()
    await server.start()
  })
})

import { createServer } from 'node:http'
import { connect } from 'node:net'
import OpenAI from 'openai'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { afterEach, describe, expect, it } from 'vitest'
import type { ClientOptions } from 'ws'
import { nodeRelay, upgradeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup, KEY, listen, testRelay } from '../mounts.js'
import { type Client, openSocket, type Refused } from './client.js'
import { refuseWith, respond, startRealtime } from './realtime-upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** The client insists on `wss:`. */
function withoutTls(baseURL: string): ClientOptions {
  return { createConnection: () => connect(Number(new URL(baseURL).port), '127.0.0.1') }
}

async function start(more: Partial<RelayOptions> = {}) {
  const upstream = cleanup.add(await startRealtime())
  const other = cleanup.add(await startRealtime())
  const records: UsageRecord[] = []
  const place = (baseURL: string) => ({ type: 'openai-compatible', baseURL, apiKey: 'sk-upstream-secret' })
  const relay = cleanup.add(
    testRelay({
      providers: { up: place(upstream.baseURL), other: place(other.baseURL) },
      models: { voice: ['up/gpt-realtime', 'other/gpt-realtime'], scribe: 'up/gpt-4o-transcribe', text: 'up/gpt-5' },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const server = createServer(nodeRelay(relay)).on('upgrade', upgradeRelay(relay))
  const { baseURL } = cleanup.add(await listen(server))
  const headers = { authorization: `Bearer ${KEY}` }
  const open = async (
    query = '?model=voice',
    options: Parameters<typeof openSocket>[1] = { headers },
  ): Promise<Client> => {
    const client = await openSocket(`${baseURL}/realtime${query}`, options)
    cleanup.add({ close: async () => client.socket.terminate() })
    return client
  }
  const refused = (query?: string, options?: Parameters<typeof openSocket>[1]): Promise<Refused> =>
    open(query, options).then(
      () => Promise.reject(new Error('it was let in')),
      (error: Refused) => error,
    )
  return {
    upstream,
    other,
    relay,
    records,
    baseURL,
    server,
    open,
    refused,
    openai: new OpenAI({ baseURL, apiKey: KEY }),
  }
}

describe('a realtime session', () => {
  it('is held by the official client as with OpenAI itself', async () => {
    const { openai, upstream, records, baseURL } = await start()
    const session = new OpenAIRealtimeWS({ model: 'voice', options: withoutTls(baseURL) }, openai)
    const text = await new Promise<string>((resolve, reject) => {
      let whole = ''
      session.on('error', reject)
      session.on('session.created', () => session.send({ type: 'response.create' }))
      session.on('response.output_text.delta', ({ delta }) => {
        whole += delta
      })
      session.on('response.done', () => resolve(whole))
    })
    expect(text).toBe('hello')
    session.close()
    await expect.poll(() => records.length).toBe(2)
    const [handshake] = upstream.handshakes
    expect(handshake?.url).toBe('/v1/realtime?model=gpt-realtime')
    expect(handshake?.headers.authorization).toBe('Bearer sk-upstream-secret')
    expect(JSON.stringify(handshake?.rawHeaders)).not.toContain(KEY)
    expect(records).toMatchObject([
      {
        operation: 'realtime',
        model: 'voice',
        target: 'up/gpt-realtime',
        outcome: 'complete',
        inputTokens: 20,
        cachedInputTokens: 6,
        outputTokens: 10,
        estimated: false,
        // By the catalogue, in USD a million: text 4, cached 0.4, sound 32, cached 0.4, written text 16, sound 64.
        costNanos: 4 * 4000 + 4 * 400 + 10 * 32_000 + 2 * 400 + 3 * 16_000 + 7 * 64_000,
      },
      { operation: 'session', model: 'voice', outcome: 'complete', status: 101, costNanos: 0 },
    ])
  })
})

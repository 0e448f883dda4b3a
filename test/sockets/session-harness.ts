import { createServer, type Server } from 'node:http'
import OpenAI from 'openai'
import { nodeRelay, upgradeRelay } from '../../adapters/node.js'
import type { Relay, RelayOptions, UsageRecord } from '../../src/index.js'
import type { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { KEY, testRelay } from '../test-relay.js'
import { openWebSocket, type RefusedHandshake, type WebSocketClient } from './open-web-socket.js'
import { type RealtimeUpstream, startRealtime } from './realtime-upstream.js'

/** A relay with one key and two upstreams of a realtime model. Clients open sessions with `open`. */
export interface SessionHarness {
  readonly upstream: RealtimeUpstream
  readonly other: RealtimeUpstream
  readonly relay: Relay
  readonly records: UsageRecord[]
  readonly baseURL: string
  readonly server: Server
  readonly openai: OpenAI
  readonly open: (query?: string, options?: Options) => Promise<WebSocketClient>
  /** Opens a session that the relay must refuse. Resolves with the refusal. */
  readonly refused: (query?: string, options?: Options) => Promise<RefusedHandshake>
}

type Options = Parameters<typeof openWebSocket>[1]

/** Starts the upstreams and the relay. `more` replaces default options. */
export async function startSessionHarness(cleanup: Cleanup, more: Partial<RelayOptions> = {}): Promise<SessionHarness> {
  const upstream = cleanup.add(await startRealtime())
  const other = cleanup.add(await startRealtime())
  const records: UsageRecord[] = []
  const provider = (baseURL: string) => ({ type: 'openai-compatible', baseURL, apiKey: 'sk-upstream-secret' })
  const relay = cleanup.add(
    testRelay({
      providers: { up: provider(upstream.baseURL), other: provider(other.baseURL) },
      models: { voice: ['up/gpt-realtime', 'other/gpt-realtime'], scribe: 'up/gpt-4o-transcribe', text: 'up/gpt-5' },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const server = createServer(nodeRelay(relay)).on('upgrade', upgradeRelay(relay))
  const { baseURL } = cleanup.add(await listen(server))
  const headers = { authorization: `Bearer ${KEY}` }
  const open = async (query = '?model=voice', options: Options = { headers }): Promise<WebSocketClient> => {
    const client = await openWebSocket(`${baseURL}/realtime${query}`, options)
    cleanup.add({ close: async () => client.socket.terminate() })
    return client
  }
  const refused = (query?: string, options?: Options): Promise<RefusedHandshake> =>
    open(query, options).then(
      () => Promise.reject(new Error('the relay accepted the session')),
      (error: RefusedHandshake) => error,
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

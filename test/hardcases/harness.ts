import { createServer } from 'node:http'
import { expect } from 'vitest'
import { nodeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { readRecords } from '../../src/lib/sse.js'
import { parseJson } from '../../src/lib/values.js'
import type { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'
import { chunk, dataRecord, dig, type ProtocolName, protocolFixtures } from './protocol-fixtures.js'

/** The relay's response to a client. */
export interface ClientResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body; undefined if it is not JSON. */
  readonly json: unknown
  /** The data of each record of a stream, `[DONE]` left out. */
  readonly records: readonly unknown[]
}

/** A model at a provider. The providers of {@link providersAt} are named after their protocol: `messages/claude-opus-4-5`. */
export type Model = `${string}/${string}`

export interface SendOptions {
  /** Fields added to the default body, or replacing fields of it. */
  readonly with?: object
  readonly stream?: boolean
  readonly headers?: Record<string, string>
  readonly key?: string
  /** Replaces the whole body. */
  readonly body?: string | Buffer
}

/** A relay with one provider per protocol. All of them are the same scripted upstream. */
export interface Harness {
  readonly upstream: ScriptedUpstream
  readonly relay: ReturnType<typeof testRelay>
  readonly records: UsageRecord[]
  readonly origin: string
  /** Sends the protocol's default request for a model. */
  ask(protocol: ProtocolName, model: Model, options?: SendOptions): Promise<ClientResponse>
  send(method: string, path: string, options?: SendOptions): Promise<ClientResponse>
  /** The body of the last request that the upstream received. */
  sent(): unknown
  /** Sends these fields, and expects status 200. Returns the body that the upstream received, and the response. */
  expectAccepted(
    from: ProtocolName,
    model: Model,
    fields: object,
    options?: SendOptions,
  ): Promise<[body: unknown, came: ClientResponse]>
  /** Sends these fields, and expects status 400 before the upstream receives anything. Returns the error. */
  expectRefused(
    from: ProtocolName,
    model: Model,
    fields: object,
  ): Promise<{ message: string; param: unknown; code: unknown }>
}

export const OTHER_KEY = 'sk-caller-00000002'
const KEYS = [
  { id: 'alice', key: KEY },
  { id: 'bob', key: OTHER_KEY },
]

export async function startHarness(
  cleanup: Cleanup,
  more: Partial<RelayOptions> = {},
  at: (port: number) => RelayOptions['providers'] = providersAt,
): Promise<Harness> {
  const upstream = cleanup.add(await startUpstream(answerInAnyProtocol('ok')))
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: at(upstream.port),
      keys: KEYS,
      plugins: [{ done: (record) => void records.push(record) }],
      shutdownMs: 0,
      ...more,
    }),
  )
  const { baseURL: origin } = cleanup.add(await listen(createServer(nodeRelay(relay)), ''))
  return { upstream, relay, records, origin, ...createMethods(upstream, origin) }
}

type HarnessMethods = Pick<Harness, 'ask' | 'send' | 'sent' | 'expectAccepted' | 'expectRefused'>

function createMethods(upstream: ScriptedUpstream, origin: string): HarnessMethods {
  const send: Harness['send'] = async (method, path, { headers = {}, key = KEY, body, with: fields } = {}) => {
    const response = await fetch(origin + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key && { 'x-api-key': key }), ...headers },
      ...(method === 'POST' && { body: body ?? JSON.stringify(fields) }),
    })
    return readResponse(response)
  }
  const ask: Harness['ask'] = (protocol, model, { with: fields, ...options } = {}) => {
    const { stream = false } = options
    const body = JSON.stringify({ ...protocolFixtures[protocol].requestBody(model, stream), ...fields })
    return send('POST', protocolFixtures[protocol].path(model, stream), { body, ...options })
  }
  const sent = (): unknown => parseJson(upstream.seen.at(-1)?.body ?? '')
  return {
    send,
    ask,
    sent,
    async expectAccepted(from, model, fields, options = {}) {
      const answer = await ask(from, model, { ...options, with: fields })
      expect(answer.status, answer.text).toBe(200)
      return [sent(), answer]
    },
    async expectRefused(from, model, fields) {
      const before = upstream.seen.length
      const { status, json, text } = await ask(from, model, { with: fields })
      expect(status, text).toBe(400)
      expect(upstream.seen).toHaveLength(before)
      const error = dig(json, 'error')
      return { message: String(dig(error, 'message')), param: dig(error, 'param'), code: dig(error, 'code') }
    },
  }
}

/** One provider per protocol, named after it. */
export function providersAt(port: number): RelayOptions['providers'] {
  const origin = `http://127.0.0.1:${port}`
  const apiKey = 'sk-upstream-000000A1'
  return {
    chat: { type: 'openai-compatible', apiKey, baseURL: `${origin}/v1` },
    responses: { type: 'openai', apiKey, baseURL: `${origin}/v1`, speaks: ['openai-responses'] },
    messages: { type: 'anthropic', apiKey, baseURL: origin },
    gemini: { type: 'gemini', apiKey, baseURL: origin },
  }
}

async function readResponse(response: Response): Promise<ClientResponse> {
  const { status, headers } = response
  const text = await response.text()
  const all = readRecords(Buffer.from(text)).filter(({ data }) => data !== '[DONE]')
  return { status, headers, text, json: parseJson(text), records: all.map(({ data }) => parseJson(data)) }
}

/** Streams this text in one piece. */
export function answerStreamText(text: string): Script {
  return answerStream([text])
}

/** Answers in a protocol, as a stream if the request asks for one. */
export function answerIn(protocol: ProtocolName, ...words: string[]): Script {
  const { whole, streamed } = protocolFixtures[protocol]
  return (req, res, seen) => {
    const isStream = /"stream":\s*true/.test(seen.body) || seen.url.includes(':streamGenerateContent')
    return (isStream ? answerStreamText(streamed(...words)) : answerJson(whole(words.join(''))))(req, res, seen)
  }
}

/** Answers in the protocol of the request. */
export function answerInAnyProtocol(...words: string[]): Script {
  return (req, res, seen) => answerIn(protocolAt(seen.url), ...words)(req, res, seen)
}

function protocolAt(url: string): ProtocolName {
  if (url.endsWith('/messages')) return 'messages'
  if (url.endsWith('/responses')) return 'responses'
  return url.includes('/models/') ? 'gemini' : 'chat'
}

/** Answers with a chat completion that calls a function, as a stream if the request asks for one. */
export function answerToolCall(name: string, ...pieces: string[]): Script {
  const call = { index: 0, id: 'call_1', type: 'function' }
  const whole = {
    id: 'chatcmpl-1',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [{ ...call, function: { name, arguments: pieces.join('') } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
  }
  const streamed = [
    chunk({ role: 'assistant', content: null, tool_calls: [{ ...call, function: { name, arguments: '' } }] }),
    ...pieces.map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
    chunk({}, 'tool_calls'),
    dataRecord('[DONE]'),
  ]
  return (req, res, seen) =>
    (/"stream":true/.test(seen.body) ? answerStreamText(streamed.join('')) : answerJson(whole))(req, res, seen)
}

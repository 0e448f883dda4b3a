import { createServer } from 'node:http'
import { expect } from 'vitest'
import { nodeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { readRecords } from '../../src/lib/sse.js'
import { parseJson } from '../../src/lib/values.js'
import { type Cleanup, KEY, listen, testRelay } from '../mounts.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../upstream.js'
import { chunk, data, dig, type Language, speeches } from './languages.js'

/** What came back. */
export interface Came {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body; undefined if it is not JSON. */
  readonly json: unknown
  /** The data of each record of a stream, `[DONE]` left out. */
  readonly records: readonly unknown[]
}

/** A model at a provider, which most often has the name of a language: `messages/claude-opus-4-5`. */
export type Model = `${string}/${string}`

export interface Asking {
  /** Fields beside the question, or in place of its own. */
  readonly with?: object
  readonly stream?: boolean
  readonly headers?: Record<string, string>
  readonly key?: string
  /** The body itself. */
  readonly body?: string | Buffer
}

/** A relay with a provider for each language, all of them at one scripted upstream. */
export interface Bench {
  readonly upstream: ScriptedUpstream
  readonly relay: ReturnType<typeof testRelay>
  readonly records: UsageRecord[]
  readonly origin: string
  /** Asks for a model in a language. */
  ask(language: Language, model: Model, asking?: Asking): Promise<Came>
  send(method: string, path: string, asking?: Asking): Promise<Came>
  /** The last body that the upstream was sent. */
  sent(): unknown
  /** Asks with these fields, which goes well; gives what the upstream was sent, and what came back. */
  goes(from: Language, model: Model, fields: object, asking?: Asking): Promise<[body: unknown, came: Came]>
  /** The same for what is refused before anything is sent: the error. */
  refuses(from: Language, model: Model, fields: object): Promise<{ message: string; param: unknown; code: unknown }>
}

export const OTHER_KEY = 'sk-caller-00000002'
const KEYS = [
  { id: 'alice', key: KEY },
  { id: 'bob', key: OTHER_KEY },
]

export async function startBench(
  cleanup: Cleanup,
  more: Partial<RelayOptions> = {},
  at: (port: number) => RelayOptions['providers'] = providersAt,
): Promise<Bench> {
  const upstream = cleanup.add(await startUpstream(speaksAll('ok')))
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
  return { upstream, relay, records, origin, ...asking(upstream, origin) }
}

type Ways = Pick<Bench, 'ask' | 'send' | 'sent' | 'goes' | 'refuses'>

function asking(upstream: ScriptedUpstream, origin: string): Ways {
  const send: Bench['send'] = async (method, path, { headers = {}, key = KEY, body, with: fields } = {}) => {
    const response = await fetch(origin + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key && { 'x-api-key': key }), ...headers },
      ...(method === 'POST' && { body: body ?? JSON.stringify(fields) }),
    })
    return came(response)
  }
  const ask: Bench['ask'] = (language, model, { with: fields, ...asking } = {}) => {
    const { stream = false } = asking
    const body = JSON.stringify({ ...speeches[language].ask(model, stream), ...fields })
    return send('POST', speeches[language].path(model, stream), { body, ...asking })
  }
  const sent = (): unknown => parseJson(upstream.seen.at(-1)?.body ?? '')
  return {
    send,
    ask,
    sent,
    async goes(from, model, fields, asking = {}) {
      const answer = await ask(from, model, { ...asking, with: fields })
      expect(answer.status, answer.text).toBe(200)
      return [sent(), answer]
    },
    async refuses(from, model, fields) {
      const before = upstream.seen.length
      const { status, json, text } = await ask(from, model, { with: fields })
      expect(status, text).toBe(400)
      expect(upstream.seen).toHaveLength(before)
      const error = dig(json, 'error')
      return { message: String(dig(error, 'message')), param: dig(error, 'param'), code: dig(error, 'code') }
    },
  }
}

/** A provider for each language, under its name. */
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

async function came(response: Response): Promise<Came> {
  const { status, headers } = response
  const text = await response.text()
  const all = readRecords(Buffer.from(text)).filter(({ data }) => data !== '[DONE]')
  return { status, headers, text, json: parseJson(text), records: all.map(({ data }) => parseJson(data)) }
}

/** A stream with these bytes. */
export function streams(text: string): Script {
  return answerStream([text])
}

/** Answers in a language, whole or streamed as it is asked. */
export function speaks(language: Language, ...words: string[]): Script {
  const { whole, streamed } = speeches[language]
  return (req, res, seen) => {
    const asked = /"stream":\s*true/.test(seen.body) || seen.url.includes(':streamGenerateContent')
    return (asked ? streams(streamed(...words)) : answerJson(whole(words.join(''))))(req, res, seen)
  }
}

/** The same in whatever language it is asked. */
export function speaksAll(...words: string[]): Script {
  return (req, res, seen) => speaks(languageAt(seen.url), ...words)(req, res, seen)
}

function languageAt(url: string): Language {
  if (url.endsWith('/messages')) return 'messages'
  if (url.endsWith('/responses')) return 'responses'
  return url.includes('/models/') ? 'gemini' : 'chat'
}

/** A chat completion, whole or streamed, that calls a function. */
export function calling(name: string, ...pieces: string[]): Script {
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
    data('[DONE]'),
  ]
  return (req, res, seen) =>
    (/"stream":true/.test(seen.body) ? streams(streamed.join('')) : answerJson(whole))(req, res, seen)
}

import { createServer } from 'node:http'
import { nodeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { readRecords } from '../../src/lib/sse.js'
import { parseJson } from '../../src/lib/values.js'
import { type Cleanup, KEY, listen, testRelay } from '../mounts.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../upstream.js'
import { type Language, speeches } from './languages.js'

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

/** A model at the provider of a language: `messages/claude-opus-4-5`. */
export type Model = `${Language}/${string}`

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
}

export const OTHER_KEY = 'sk-caller-00000002'
const KEYS = [
  { id: 'alice', key: KEY },
  { id: 'bob', key: OTHER_KEY },
]

export async function startBench(cleanup: Cleanup, more: Partial<RelayOptions> = {}): Promise<Bench> {
  const upstream = cleanup.add(await startUpstream())
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: providersAt(upstream.port),
      keys: KEYS,
      plugins: [{ done: (record) => void records.push(record) }],
      shutdownMs: 0,
      ...more,
    }),
  )
  const { baseURL: origin } = cleanup.add(await listen(createServer(nodeRelay(relay)), ''))
  const send: Bench['send'] = async (method, path, { headers = {}, key = KEY, body, with: fields } = {}) => {
    const response = await fetch(origin + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key && { 'x-api-key': key }), ...headers },
      ...(method === 'POST' && { body: body ?? JSON.stringify(fields) }),
    })
    return came(response)
  }
  return {
    upstream,
    relay,
    records,
    origin,
    send,
    ask(language, model, { with: fields, ...asking } = {}) {
      const { path, ask } = speeches[language]
      const { stream = false } = asking
      const body = JSON.stringify({ ...ask(model, stream), ...fields })
      return send('POST', path(model, stream), { body, ...asking })
    },
    sent: () => parseJson(upstream.seen.at(-1)?.body ?? ''),
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

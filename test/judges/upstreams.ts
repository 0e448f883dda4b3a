import { createServer, type RequestListener } from 'node:http'
import { nodeRelay } from '../../adapters/node.js'
import { createRelay, type Relay } from '../../src/index.js'
import { type Cleanup, KEY, listen } from '../mounts.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../upstream.js'
import { anthropicMessages } from './languages/anthropic-messages.js'
import { gemini } from './languages/gemini.js'
import type { Heard, Language, Words } from './languages/language.js'
import { openaiChat } from './languages/openai-chat.js'
import { openaiResponses } from './languages/openai-responses.js'

/** Every language that an upstream may speak. */
export const languages: readonly Language[] = [openaiChat, openaiResponses, anthropicMessages, gemini]

/** What clients call the model: some of their SDKs go by the name. All of them mean the upstream's. */
export const MODELS = ['m', 'gpt-5', 'claude-sonnet-4-5', 'gemini-3-pro-preview'] as const

/** A relay on a port before one upstream of one language. */
export interface Stage {
  readonly language: Language
  /** Without a path: `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly upstream: ScriptedUpstream
  /** What was asked of the upstream so far. */
  heard(): Heard[]
  /** The upstream says these, one a request. */
  says(...turns: Words[]): void
  /** The relay is another process from now on. */
  restart(): void
}

export async function stage(language: Language, cleanup: Cleanup, names: readonly string[] = MODELS): Promise<Stage> {
  const upstream = cleanup.add(await startUpstream())
  const relays: Relay[] = []
  let listener: RequestListener
  const restart = (): void => {
    const relay = createRelay({
      providers: { up: language.provider(upstream.port) },
      models: Object.fromEntries(names.map((name) => [name, `up/${language.model}`])),
      keys: [{ id: 'alice', key: KEY }],
      retry: { attempts: 1 },
      logger: false,
    })
    relays.push(relay)
    listener = nodeRelay(relay)
  }
  restart()
  const { port } = cleanup.add(
    await listen(
      createServer((req, res) => listener(req, res)),
      '',
    ),
  )
  cleanup.add({ close: () => Promise.all(relays.map((relay) => relay.close())) })
  return {
    language,
    origin: `http://127.0.0.1:${port}`,
    upstream,
    heard: () => upstream.seen.map(({ body }) => language.hear(JSON.parse(body))),
    says: (...turns) => {
      upstream.script = speaks(language, turns)
    },
    restart,
  }
}

/** Says each of them in the way that it is asked for; refuses what the language would. */
export function speaks(language: Language, turns: readonly Words[]): Script {
  let turn = 0
  return (req, res, seen) => {
    const body = JSON.parse(seen.body)
    const words = turns[Math.min(turn++, turns.length - 1)] ?? {}
    const refusal = refusalOf(language, seen.body)
    if (refusal !== undefined) return answerJson(language.errorBody(400, refusal), 400)(req, res, seen)
    const streams = language.isStreamed(seen.url, body)
    return (streams ? answerStream(language.records(words, body)) : answerJson(language.whole(words)))(req, res, seen)
  }
}

function refusalOf(language: Language, body: string): string | undefined {
  try {
    language.hear(JSON.parse(body))
  } catch (error) {
    return String(error)
  }
  return undefined
}

/** An error instead of an answer. */
export function refuses(
  language: Language,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Script {
  return answerJson(language.errorBody(status, message), status, headers)
}

/** The first words of a stream, and then an error, or, without a message, nothing at all. */
export function failsMidway(language: Language, message?: string): Script {
  return (_req, res, seen) => {
    const records = language.records({ text: ['Half ', 'of it'] }, JSON.parse(seen.body))
    const at = records.findIndex((record) => record.includes('of it'))
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(records.slice(0, at + 1).join(''))
    if (message === undefined) setTimeout(() => res.destroy(), 20)
    else res.end(language.errorRecord(message))
  }
}

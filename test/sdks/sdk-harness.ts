import { createServer, type RequestListener } from 'node:http'
import { nodeRelay } from '../../adapters/node.js'
import { createRelay, type Relay } from '../../src/index.js'
import type { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import { anthropicMessages } from './upstreams/anthropic-messages.js'
import { gemini } from './upstreams/gemini.js'
import { openaiChat } from './upstreams/openai-chat.js'
import { openaiResponses } from './upstreams/openai-responses.js'
import type { AnswerContent, ReceivedRequest, UpstreamProtocol } from './upstreams/upstream-protocol.js'

/** An upstream of every conversation protocol. */
export const protocols: readonly UpstreamProtocol[] = [openaiChat, openaiResponses, anthropicMessages, gemini]

/** The model's names at the relay. Some SDKs act on the name. All of them are the upstream's one model. */
export const MODELS = ['m', 'gpt-5', 'claude-sonnet-4-5', 'gemini-3-pro-preview'] as const

/** A relay on a port, with one upstream of one protocol. */
export interface SdkHarness {
  readonly protocol: UpstreamProtocol
  /** Without a path: `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly upstream: ScriptedUpstream
  /** The requests that the upstream has received. */
  received(): ReceivedRequest[]
  /** Makes the upstream answer with these, one per request. */
  scriptAnswers(...turns: AnswerContent[]): void
  /** Replaces the relay by a new one without its memory. */
  restart(): void
}

export async function startSdkHarness(
  protocol: UpstreamProtocol,
  cleanup: Cleanup,
  names: readonly string[] = MODELS,
): Promise<SdkHarness> {
  const upstream = cleanup.add(await startUpstream())
  const relays: Relay[] = []
  let listener: RequestListener
  const restart = (): void => {
    const relay = createRelay({
      providers: { up: protocol.provider(upstream.port) },
      models: Object.fromEntries(names.map((name) => [name, `up/${protocol.model}`])),
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
    protocol,
    origin: `http://127.0.0.1:${port}`,
    upstream,
    received: () => upstream.seen.map(({ body }) => protocol.readRequest(JSON.parse(body))),
    scriptAnswers: (...turns) => {
      upstream.script = scriptFor(protocol, turns)
    },
    restart,
  }
}

/** Answers with one of them per request, streamed if the request asks for it. Refuses what a real upstream would refuse. */
export function scriptFor(protocol: UpstreamProtocol, turns: readonly AnswerContent[]): Script {
  let turn = 0
  return (req, res, seen) => {
    const body = JSON.parse(seen.body)
    const words = turns[Math.min(turn++, turns.length - 1)] ?? {}
    const refusal = refusalOf(protocol, seen.body)
    if (refusal !== undefined) return answerJson(protocol.errorBody(400, refusal), 400)(req, res, seen)
    const streams = protocol.isStreamed(seen.url, body)
    return (streams ? answerStream(protocol.records(words, body)) : answerJson(protocol.whole(words)))(req, res, seen)
  }
}

function refusalOf(protocol: UpstreamProtocol, body: string): string | undefined {
  try {
    protocol.readRequest(JSON.parse(body))
  } catch (error) {
    return String(error)
  }
  return undefined
}

/** Answers with an error. */
export function answerWithError(
  protocol: UpstreamProtocol,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Script {
  return answerJson(protocol.errorBody(status, message), status, headers)
}

/** Begins a stream, then sends an error. Without a message, breaks off the connection. */
export function failMidStream(protocol: UpstreamProtocol, message?: string): Script {
  return (_req, res, seen) => {
    const records = protocol.records({ text: ['Half ', 'of it'] }, JSON.parse(seen.body))
    const at = records.findIndex((record) => record.includes('of it'))
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(records.slice(0, at + 1).join(''))
    if (message === undefined) setTimeout(() => res.destroy(), 20)
    else res.end(protocol.errorRecord(message))
  }
}

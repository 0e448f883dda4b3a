import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { isObject, parseJson } from '../lib/values.js'
import { anthropicMessages } from './anthropic-messages.js'
import { gemini } from './gemini.js'
import { findMediaEndpoint, type MediaAnswer } from './media.js'
import { type ModelBehaviour, models, unknownModel } from './models.js'
import { openaiChat } from './openai-chat.js'
import { openaiResponses } from './openai-responses.js'
import type { DemoFailure, DemoProtocol, DemoRequest } from './protocol.js'
import { createReply } from './reply.js'

const protocols: readonly DemoProtocol[] = [openaiChat, openaiResponses, anthropicMessages, gemini]

/** A provider on this machine that needs no account. It serves to try the relay, and it fails on demand. */
export interface DemoUpstream {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseURL: string
  /** The names of its models, including those that fail. */
  readonly models: readonly string[]
  close(): Promise<void>
}

/** Starts the demo on a free port that only this machine can reach. */
export async function startDemo(): Promise<DemoUpstream> {
  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      // Most errors here come from a relay that has disconnected.
      if (!res.destroyed) res.destroy(error instanceof Error ? error : undefined)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    models: [...models.keys()],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A conversation request and how to answer it. */
interface DemoCall {
  readonly res: ServerResponse
  readonly protocol: DemoProtocol
  readonly request: DemoRequest
  readonly behaviour: ModelBehaviour
  /** Aborted when the relay disconnects. */
  readonly signal: AbortSignal
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const disconnected = new AbortController()
  res.on('close', () => disconnected.abort())
  const path = req.url?.split('?', 1)[0] ?? ''
  const mediaEndpoint = req.method === 'POST' ? findMediaEndpoint(path) : undefined
  if (mediaEndpoint) return sendMedia(res, mediaEndpoint(await readBytes(req)))
  const protocol = protocols.find((one) => one.path.test(path))
  if (!protocol || req.method !== 'POST') return sendJson(res, 404, { error: { message: `Nothing at ${path}.` } })
  const body = await readJsonObject(req)
  if (!body) return sendFailure(res, protocol, NOT_JSON)
  const request = protocol.readRequest(body, path)
  const behaviour = models.get(request.model)
  if (!behaviour) return sendFailure(res, protocol, unknownModel)
  if (behaviour.failure) return sendFailure(res, protocol, behaviour.failure, behaviour.retryAfterSeconds)
  const call = { res, protocol, request, behaviour, signal: disconnected.signal }
  return request.stream ? sendStream(call) : sendAnswer(call)
}

const NOT_JSON: DemoFailure = {
  status: 400,
  message: 'The body is not a JSON object.',
  type: 'invalid_request_error',
  code: null,
}

async function readJsonObject(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const value = parseJson((await readBytes(req)).toString())
  return isObject(value) ? value : undefined
}

async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function sendMedia(res: ServerResponse, media: MediaAnswer): void {
  if ('value' in media) sendJson(res, 200, media.value)
  else res.writeHead(200, { 'content-type': media.type }).end(media.bytes)
}

/** Takes as long as a stream of the same answer. */
async function sendAnswer({ res, protocol, request, behaviour, signal }: DemoCall): Promise<void> {
  const reply = createReply(request)
  const value = protocol.writeAnswer(reply, request)
  await wait(behaviour.firstDelayMs + behaviour.wordDelayMs * reply.words.length, undefined, { signal })
  if (!behaviour.breaksOff) return sendJson(res, 200, value)
  const bytes = Buffer.from(JSON.stringify(value))
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
  res.write(bytes.subarray(0, bytes.length / 2), () => res.destroy())
}

async function sendStream({ res, protocol, request, behaviour, signal }: DemoCall): Promise<void> {
  const events = protocol.writeStream(createReply(request), request)
  const end = behaviour.breaksOff ? Math.floor(events.length / 2) : events.length
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const [index, event] of events.slice(0, end).entries()) {
    res.write(event)
    await wait(index === 0 ? behaviour.firstDelayMs : behaviour.wordDelayMs, undefined, { signal })
  }
  if (behaviour.breaksOff) res.destroy()
  else res.end()
}

function sendFailure(
  res: ServerResponse,
  protocol: DemoProtocol,
  failure: DemoFailure,
  retryAfterSeconds?: number,
): void {
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  sendJson(res, failure.status, protocol.writeError(failure), headers)
}

function sendJson(res: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { isObject, parseJson } from '../lib/values.js'
import type { DemoLanguage, Failure, Question } from './language.js'
import { languages } from './languages.js'
import { type DemoAnswer, mediaAt } from './media.js'
import { type Behaviour, models, unknownModel } from './models.js'
import { replyTo } from './reply.js'

/** A provider on this machine that needs no account: for the first minute, for demonstrations, for failing on demand. */
export interface DemoUpstream {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseURL: string
  /** What it can be asked for, failures included. */
  readonly models: readonly string[]
  close(): Promise<void>
}

/** Starts the demo on a free port that only this machine can reach. */
export async function startDemo(): Promise<DemoUpstream> {
  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      // The relay has left, which is how most of these end; there is nobody to tell.
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

/** One request being answered. */
interface Answering {
  readonly res: ServerResponse
  readonly language: DemoLanguage
  readonly question: Question
  readonly behaviour: Behaviour
  /** Aborted when the relay breaks off. */
  readonly signal: AbortSignal
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const left = new AbortController()
  res.on('close', () => left.abort())
  const path = req.url?.split('?', 1)[0] ?? ''
  const media = req.method === 'POST' ? mediaAt(path) : undefined
  if (media) return sendMedia(res, media(await readBytes(req)))
  const language = languages.find((one) => one.path.test(path))
  if (!language || req.method !== 'POST') return send(res, 404, { error: { message: `Nothing at ${path}.` } })
  const body = await readBody(req)
  if (!body) return fail(res, language, NOT_JSON)
  const question = language.readQuestion(body, path)
  const behaviour = models.get(question.model)
  if (!behaviour) return fail(res, language, unknownModel)
  if (behaviour.failure) return fail(res, language, behaviour.failure, behaviour.retryAfter)
  const answering = { res, language, question, behaviour, signal: left.signal }
  return question.stream ? stream(answering) : whole(answering)
}

const NOT_JSON: Failure = {
  status: 400,
  message: 'The body is not a JSON object.',
  type: 'invalid_request_error',
  code: null,
}

async function readBody(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const value = parseJson((await readBytes(req)).toString())
  return isObject(value) ? value : undefined
}

async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function sendMedia(res: ServerResponse, answer: DemoAnswer): void {
  if ('value' in answer) send(res, 200, answer.value)
  else res.writeHead(200, { 'content-type': answer.type }).end(answer.bytes)
}

/** Takes as long as the stream would. */
async function whole({ res, language, question, behaviour, signal }: Answering): Promise<void> {
  const reply = replyTo(question)
  const value = language.writeAnswer(reply, question)
  await wait(behaviour.firstMs + behaviour.everyMs * reply.pieces.length, undefined, { signal })
  if (!behaviour.cuts) return send(res, 200, value)
  const bytes = Buffer.from(JSON.stringify(value))
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
  res.write(bytes.subarray(0, bytes.length / 2), () => res.destroy())
}

async function stream({ res, language, question, behaviour, signal }: Answering): Promise<void> {
  const records = language.writeStream(replyTo(question), question)
  const end = behaviour.cuts ? Math.floor(records.length / 2) : records.length
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for (const [index, record] of records.slice(0, end).entries()) {
    res.write(record)
    await wait(index === 0 ? behaviour.firstMs : behaviour.everyMs, undefined, { signal })
  }
  if (behaviour.cuts) res.destroy()
  else res.end()
}

function fail(res: ServerResponse, language: DemoLanguage, failure: Failure, retryAfter?: number): void {
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  send(res, failure.status, language.writeFailure(failure), headers)
}

function send(res: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

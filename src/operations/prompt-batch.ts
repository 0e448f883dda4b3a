import { RelayError } from '../errors.js'
import type { ByteSink, ByteStream } from '../http.js'
import { readRecords } from '../lib/sse.js'
import type { BatchWriter, PromptBatching } from '../protocols/prompt-batching.js'
import type { Services } from '../services.js'
import { internalError } from '../upstream/attempt/failures.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { createCall, type RoutedCall, relayCall, type SendCall } from './relay-call.js'
import type { RequestContext } from './request-context.js'

/** The prompts of one request that holds several, each as a request body of its own. */
export interface PromptBatch {
  readonly bodies: readonly Buffer[]
  readonly batching: PromptBatching
}

/** The prompts of a request that holds several, where no target accepts them in one request. */
export function readPrompts({ call: { protocol, body }, plan }: RoutedCall): PromptBatch | undefined {
  const batching = protocol.promptBatching
  if (!batching || plan.targets.some(({ speaks }) => speaks.includes(protocol))) return undefined
  const bodies = batching.split(body)
  return bodies.length > 0 ? { bodies, batching } : undefined
}

/**
 * Answers the prompts one after the other, each by a call of its own, and joins the answers. Until the first answer
 * begins, a failure rejects. After that a failure of any prompt fails a whole answer, and ends a stream with an error.
 */
export async function answerPrompts(
  services: Services,
  context: RequestContext,
  routed: RoutedCall,
  { bodies, batching }: PromptBatch,
  send: SendCall,
): Promise<Reply> {
  const answer = async (index: number): Promise<Reply> => {
    const prompt = routePrompt(services, context, routed, index, bodies[index] as Buffer)
    try {
      return await relayCall(services, prompt, send)
    } finally {
      context.attempts.push(...prompt.call.attempts)
    }
  }
  const first = await answer(0)
  if (!Buffer.isBuffer(first.body)) {
    const writeError = (error: RelayError): Buffer => context.protocol.writeStreamError(error)
    const body = new PromptStreams(first.body, batching.createWriter(), { count: bodies.length, answer, writeError })
    return { ...first, body }
  }
  const answers = [first.body]
  while (answers.length < bodies.length) {
    const { body } = await answer(answers.length)
    if (Buffer.isBuffer(body)) answers.push(body)
  }
  return { ...first, body: batching.merge(answers) }
}

/** The call of one prompt, with attempts and an idempotency key of its own. */
function routePrompt(
  services: Services,
  context: RequestContext,
  { call, plan }: RoutedCall,
  index: number,
  body: Buffer,
): RoutedCall {
  const facts = context.protocol.readFacts(body, context.path)
  // A header cannot hold a line end, so no client can send this key.
  const idempotencyKey = call.idempotencyKey && `${call.idempotencyKey}\n${index}`
  return { call: createCall(services, { ...context, attempts: [] }, { facts, body, idempotencyKey }), plan }
}

interface PromptStreamsOptions {
  /** Number of prompts. */
  readonly count: number
  readonly answer: (index: number) => Promise<Reply>
  readonly writeError: (error: RelayError) => Buffer
}

/** The streamed answers to several prompts, one after the other, as one stream. */
class PromptStreams implements ByteStream {
  readonly #writer: BatchWriter
  readonly #options: PromptStreamsOptions
  #stream: ByteStream
  #index = 0
  #hasFailed = false

  constructor(first: ByteStream, writer: BatchWriter, options: PromptStreamsOptions) {
    this.#stream = first
    this.#writer = writer
    this.#options = options
  }

  start(sink: ByteSink): void {
    this.#stream.start({
      write: (bytes) => this.#write(bytes, sink),
      end: () => void this.#startNext(sink),
      abort: () => sink.abort(),
    })
  }

  resume(): void {
    this.#stream.resume()
  }

  #write(bytes: Buffer, sink: ByteSink): boolean {
    let text = ''
    for (const record of readRecords(bytes)) {
      const written = this.#writer.write(record, this.#index)
      if (written === undefined) this.#hasFailed = true
      text += written ?? `data: ${record.data}\n\n`
    }
    return text === '' || sink.write(Buffer.from(text))
  }

  async #startNext(sink: ByteSink): Promise<void> {
    const { count, answer, writeError } = this.#options
    this.#index++
    if (this.#hasFailed) return sink.end()
    if (this.#index === count) {
      sink.write(Buffer.from(this.#writer.end()))
      return sink.end()
    }
    try {
      const { body } = await answer(this.#index)
      if (Buffer.isBuffer(body)) return sink.end()
      this.#stream = body
      this.start(sink)
    } catch (error) {
      sink.write(writeError(error instanceof RelayError ? error : internalError(error)))
      sink.end()
    }
  }
}

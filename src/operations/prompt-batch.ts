import { RelayError } from '../errors.js'
import type { ByteSink, ByteStream } from '../http.js'
import { readRecords } from '../lib/sse.js'
import type { BatchWriter, PromptBatching, Protocol } from '../protocols/protocol.js'
import { broken } from '../upstream/attempt/failures.js'
import type { Reply } from '../upstream/attempt/reply.js'

/** Asks one of several questions. @throws {RelayError} */
export type AnswerPrompt = (index: number) => Promise<Reply>

/**
 * One answer to several questions, which are asked one after the other. Until the first has begun to be answered a
 * failure rejects; after that a whole answer still fails as one, and a stream tells of it.
 */
export async function answerPrompts(ask: AnswerPrompt, questions: PromptBatch): Promise<Reply> {
  const first = await ask(0)
  if (!Buffer.isBuffer(first.body)) return { ...first, body: new PromptStreams(first.body, ask, questions) }
  const answers = [first.body]
  while (answers.length < questions.bodies.length) {
    const { body } = await ask(answers.length)
    if (Buffer.isBuffer(body)) answers.push(body)
  }
  return { ...first, body: questions.batch.merge(answers) }
}

/** What a request asks, question by question. */
export interface PromptBatch {
  readonly bodies: readonly Buffer[]
  readonly batch: PromptBatching
  readonly protocol: Protocol
}

/** The streamed answers to several questions, one behind the other. */
class PromptStreams implements ByteStream {
  readonly #ask: AnswerPrompt
  readonly #questions: PromptBatch
  readonly #writer: BatchWriter
  #stream: ByteStream
  #index = 0
  #hasFailed = false

  constructor(first: ByteStream, ask: AnswerPrompt, questions: PromptBatch) {
    this.#stream = first
    this.#ask = ask
    this.#questions = questions
    this.#writer = questions.batch.write()
  }

  start(sink: ByteSink): void {
    this.#stream.start({
      write: (bytes) => this.#write(bytes, sink),
      end: () => void this.#next(sink),
      abort: () => sink.abort(),
    })
  }

  resume(): void {
    this.#stream.resume()
  }

  #write(bytes: Buffer, sink: ByteSink): boolean {
    let text = ''
    for (const record of readRecords(bytes)) {
      const written = this.#writer.record(record, this.#index)
      if (written === undefined) this.#hasFailed = true
      text += written ?? `data: ${record.data}\n\n`
    }
    return text === '' || sink.write(Buffer.from(text))
  }

  async #next(sink: ByteSink): Promise<void> {
    const { bodies, protocol } = this.#questions
    this.#index++
    if (this.#hasFailed) return sink.end()
    if (this.#index === bodies.length) {
      sink.write(Buffer.from(this.#writer.end()))
      return sink.end()
    }
    try {
      const { body } = await this.#ask(this.#index)
      if (Buffer.isBuffer(body)) return sink.end()
      this.#stream = body
      this.start(sink)
    } catch (error) {
      sink.write(protocol.writeStreamError(error instanceof RelayError ? error : broken(error)))
      sink.end()
    }
  }
}

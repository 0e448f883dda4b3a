import type { Call } from '../../call.js'
import type { ChatAnswer } from '../../chat/answer.js'
import { AnswerCollector } from '../../chat/collect-answer.js'
import type { Emit } from '../../chat/events.js'
import { type Loss, Losses } from '../../chat/losses.js'
import { replayAsEvents } from '../../chat/replay-answer.js'
import type { ChatRequest } from '../../chat/request.js'
import { cutAtStop, StopCutter } from '../../chat/stops.js'
import { joinSurrogates } from '../../chat/surrogates.js'
import { ToolNameRestorer } from '../../chat/tool-name-restorer.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import { readRecords } from '../../lib/sse.js'
import type { AnswerContext, Protocol, StreamReader, StreamWriter } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'
import type { SignatureMemory } from './signature-memory.js'

/** What an answer is told anew by. */
export interface AnswerTranslatorOptions {
  /** The language in which it comes. */
  readonly reader: Protocol
  readonly memory: SignatureMemory
  /** What is being answered. */
  readonly request: ChatRequest
  readonly toolNames?: ToolNameRestorer
  /** Where the relay itself ends the answer's text. */
  readonly stops?: readonly string[]
}

/** The way back of a call: its answer, read in one language and told in the caller's, whole or streamed. */
export class AnswerTranslator {
  readonly #reader: Protocol
  readonly #writer: Protocol
  readonly #answering: AnswerContext
  readonly #restoration: ToolNameRestorer
  readonly #losses: Losses
  readonly #memory: SignatureMemory
  readonly #tenant: string
  readonly #stops: readonly string[]
  #cutter: StopCutter | undefined

  constructor(call: Call, target: Target, options: AnswerTranslatorOptions) {
    const { reader, memory, request, toolNames = new ToolNameRestorer(new Map()), stops = [] } = options
    this.#reader = reader
    this.#writer = call.protocol
    this.#losses = new Losses(call.protocol.id)
    this.#answering = answeringOf(call, target, request, this.#losses)
    this.#restoration = toolNames
    this.#memory = memory
    this.#tenant = call.caller.id
    this.#stops = stops
  }

  /** What could not be told so far. */
  get losses(): readonly Loss[] {
    return this.#losses.list
  }

  readAnswer(body: Buffer): ChatAnswer {
    return this.#reader.readAnswer(body, this.#answering)
  }

  /** The body of a stream that came although a whole answer was asked for. */
  collectStream(body: Buffer): ChatAnswer {
    const fold = new AnswerCollector()
    const reader = this.readStream()
    for (const record of readRecords(body)) {
      if (reader.state !== 'over') reader.read(record, (event) => fold.push(event))
    }
    const { answer } = fold
    return reader.state === 'open' && !answer.upstreamError
      ? { ...answer, upstreamError: invalidAnswer('half an answer') }
      : answer
  }

  /** A whole answer, in the caller's language. */
  write(answer: ChatAnswer): Buffer {
    const cut = this.#stops.length > 0 ? cutAtStop(answer, this.#stops) : answer
    const restored = this.#restoration.answer(cut)
    this.#memory.keep(restored, this.#tenant, this.#answering.issuer)
    return Buffer.from(this.#writer.writeAnswer(restored, this.#answering))
  }

  /** A whole answer, told as a stream's events. */
  replayAsEvents(body: Buffer, emit: Emit): void {
    replayAsEvents(this.readAnswer(body), emit)
  }

  readStream(): StreamReader {
    return this.#reader.readStream(this.#answering)
  }

  writeStream(): StreamWriter {
    return this.#writer.writeStream(this.#answering)
  }

  /** Makes a stream's events fit to be written. */
  through(emit: Emit): Emit {
    const watched = this.#memory.watch(emit, this.#tenant, this.#answering.issuer)
    const restored = this.#restoration.events(joinSurrogates(watched))
    if (this.#stops.length === 0) return restored
    const cutter = new StopCutter(this.#stops, restored)
    this.#cutter = cutter
    return (event) => cutter.push(event)
  }

  /** The stream has met a stop sequence that the upstream does not know of. */
  get isCut(): boolean {
    return this.#cutter?.isCut ?? false
  }
}

function answeringOf(call: Call, { signatureTag }: Target, request: ChatRequest, losses: Losses): AnswerContext {
  const id = call.id.replace(/^req_/, '').replace(/\W/g, '_')
  return {
    id,
    model: call.facts.model,
    createdAt: Math.floor(Date.now() / 1000),
    issuer: signatureTag,
    request,
    losses,
  }
}

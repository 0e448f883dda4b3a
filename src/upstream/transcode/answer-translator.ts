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

export interface AnswerTranslatorOptions {
  /** The protocol of the upstream's answer. */
  readonly reader: Protocol
  readonly memory: SignatureMemory
  /** The conversation that is being answered. */
  readonly request: ChatRequest
  readonly toolNames?: ToolNameRestorer
  /** Stop sequences at which the relay itself ends the answer. */
  readonly stops?: readonly string[]
}

/** Translates the answer of one call from the upstream's protocol to the caller's, whole or as a stream. */
export class AnswerTranslator {
  readonly #reader: Protocol
  readonly #writer: Protocol
  readonly #context: AnswerContext
  readonly #toolNames: ToolNameRestorer
  readonly #losses: Losses
  readonly #memory: SignatureMemory
  readonly #callerId: string
  readonly #stops: readonly string[]
  #stopCutter: StopCutter | undefined

  constructor(call: Call, target: Target, options: AnswerTranslatorOptions) {
    const { reader, memory, request, toolNames = new ToolNameRestorer(new Map()), stops = [] } = options
    this.#reader = reader
    this.#writer = call.protocol
    this.#losses = new Losses(call.protocol.id)
    this.#context = createContext(call, target, request, this.#losses)
    this.#toolNames = toolNames
    this.#memory = memory
    this.#callerId = call.caller.id
    this.#stops = stops
  }

  /** What of the answer the caller's protocol could not express so far. */
  get losses(): readonly Loss[] {
    return this.#losses.list
  }

  readAnswer(body: Buffer): ChatAnswer {
    return this.#reader.readAnswer(body, this.#context)
  }

  /** Reads a stream as a whole answer. */
  collectStream(body: Buffer): ChatAnswer {
    const collector = new AnswerCollector()
    const reader = this.readStream()
    for (const record of readRecords(body)) {
      if (reader.state !== 'over') reader.read(record, (event) => collector.push(event))
    }
    const { answer } = collector
    return reader.state === 'open' && !answer.upstreamError
      ? { ...answer, upstreamError: invalidAnswer('half an answer') }
      : answer
  }

  /** Writes a whole answer in the caller's protocol. */
  write(answer: ChatAnswer): Buffer {
    const cut = this.#stops.length > 0 ? cutAtStop(answer, this.#stops) : answer
    const restored = this.#toolNames.answer(cut)
    this.#memory.keep(restored, this.#callerId, this.#context.issuer)
    return Buffer.from(this.#writer.writeAnswer(restored, this.#context))
  }

  /** Emits a whole answer as the events of a stream. */
  replayAsEvents(body: Buffer, emit: Emit): void {
    replayAsEvents(this.readAnswer(body), emit)
  }

  readStream(): StreamReader {
    return this.#reader.readStream(this.#context)
  }

  writeStream(): StreamWriter {
    return this.#writer.writeStream(this.#context)
  }

  /** Wraps `emit` so that it receives the events as the caller should see them: with original tool names, whole characters, and cut at stop sequences. */
  transform(emit: Emit): Emit {
    const remembering = this.#memory.watch(emit, this.#callerId, this.#context.issuer)
    const restoring = this.#toolNames.events(joinSurrogates(remembering))
    if (this.#stops.length === 0) return restoring
    const cutter = new StopCutter(this.#stops, restoring)
    this.#stopCutter = cutter
    return (event) => cutter.push(event)
  }

  /** The stream has reached a stop sequence that the upstream does not know. */
  get isCut(): boolean {
    return this.#stopCutter?.isCut ?? false
  }
}

function createContext(call: Call, { signatureTag }: Target, request: ChatRequest, losses: Losses): AnswerContext {
  return {
    id: call.id.replace(/^req_/, '').replace(/\W/g, '_'),
    model: call.facts.model,
    createdAt: Math.floor(Date.now() / 1000),
    issuer: signatureTag,
    request,
    losses,
  }
}

import type { Call, Target } from '../call.js'
import type { ChatAnswer } from '../chat/answer.js'
import type { Emit } from '../chat/events.js'
import { invalidAnswer } from '../chat/fault.js'
import { type Fitted, fitTools } from '../chat/fit.js'
import { Fold } from '../chat/fold.js'
import { joinHalves } from '../chat/halves.js'
import { declareForeign, type Loss, Losses } from '../chat/losses.js'
import type { ChatRequest } from '../chat/request.js'
import type { Restoration } from '../chat/restore.js'
import { cutAtStop, StopCutter } from '../chat/stops.js'
import { unfold } from '../chat/unfold.js'
import { RelayError } from '../errors.js'
import { readRecords } from '../lib/sse.js'
import type { Answering, Protocol, StreamReader, StreamWriter } from '../protocols/protocol.js'
import { ArrayFraming } from './array-framing.js'
import type { SignatureMemory } from './signature-memory.js'

/** What translations work with. */
export interface Translating {
  /** Whatever would be lost is an error instead. */
  readonly strict: boolean
  readonly memory: SignatureMemory
}

/** One call between two languages: its request in the other, and the way back for whatever answer comes. */
export class Translation {
  /** The request, as the target's language has it. */
  readonly body: Buffer
  readonly reader: Protocol
  readonly #writer: Protocol
  readonly #answering: Answering
  readonly #restoration: Restoration
  readonly #losses: Losses
  /** Of the answer. */
  readonly #untold: Losses
  readonly #asArray: boolean
  readonly #memory: SignatureMemory
  readonly #tenant: string
  /** Where the relay itself ends the answer's text. */
  readonly #stops: readonly string[]
  #cutter: StopCutter | undefined

  /** @throws {RelayError} for what the other language cannot do without */
  constructor(call: Call, target: Target, reader: Protocol, { strict, memory }: Translating) {
    const { protocol: writer, caller, facts } = call
    const losses = new Losses(reader.id, writer.spelling)
    const remembered = memory.restore(conversationOf(call), caller.id)
    const { request, restoration }: Fitted = fitTools(remembered, traitsOf(target, reader), losses)
    const { model, tag, dialect } = target
    const writing = { model, stream: facts.stream, issuer: tag, dialect, losses }
    this.#stops = reader.traits.stopSequences === false ? request.stop : []
    const told = this.#stops.length > 0 ? { ...request, stop: [] } : request
    declareForeign(told, losses)
    this.body = Buffer.from(reader.writeRequest(told, writing))
    if (strict && losses.list.length > 0) throw untranslatable(losses.list)
    this.reader = reader
    this.#writer = writer
    this.#restoration = restoration
    this.#losses = losses
    this.#untold = new Losses(writer.id)
    this.#asArray = facts.asArray === true
    this.#answering = answeringOf(call, target, remembered, this.#untold)
    this.#memory = memory
    this.#tenant = caller.id
  }

  /** What had to be left out so far. */
  get losses(): readonly Loss[] {
    const { list } = this.#untold
    return list.length > 0 ? [...this.#losses.list, ...list] : this.#losses.list
  }

  readAnswer(body: Buffer): ChatAnswer {
    return this.reader.readAnswer(body, this.#answering)
  }

  /** A whole answer, told as a stream's events. */
  unfold(body: Buffer, emit: Emit): void {
    unfold(this.readAnswer(body), emit)
  }

  readStream(): StreamReader {
    return this.reader.readStream(this.#answering)
  }

  /** A whole answer, in the caller's language. */
  write(answer: ChatAnswer): Buffer {
    const cut = this.#stops.length > 0 ? cutAtStop(answer, this.#stops) : answer
    const restored = this.#restoration.answer(cut)
    this.#memory.keep(restored, this.#tenant, this.#answering.issuer)
    return Buffer.from(this.#writer.writeAnswer(restored, this.#answering))
  }

  writeStream(): StreamWriter {
    const writer = this.#writer.writeStream(this.#answering)
    return this.#asArray ? new ArrayFraming(writer) : writer
  }

  /** The body of a stream that came although a whole answer was asked for. */
  fold(body: Buffer): ChatAnswer {
    const fold = new Fold()
    const reader = this.readStream()
    for (const record of readRecords(body)) {
      if (reader.state !== 'over') reader.read(record, (event) => fold.push(event))
    }
    const { answer } = fold
    return reader.state === 'open' && !answer.fault ? { ...answer, fault: invalidAnswer('half an answer') } : answer
  }

  /** Makes a stream's events fit to be written. */
  through(emit: Emit): Emit {
    const watched = this.#memory.watch(emit, this.#tenant, this.#answering.issuer)
    const restored = this.#restoration.events(joinHalves(watched))
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

/** The call's body in no language's words: read once, however many targets are tried. @throws {RelayError} */
export function conversationOf(call: Call): ChatRequest {
  call.conversation ??= call.protocol.readRequest(call.body, call.path)
  return call.conversation
}

function traitsOf({ dialect }: Target, { traits }: Protocol): Protocol['traits'] {
  return dialect.toolId ? { ...traits, toolId: dialect.toolId } : traits
}

function answeringOf(call: Call, { tag }: Target, request: ChatRequest, losses: Losses): Answering {
  const id = call.id.replace(/^req_/, '').replace(/\W/g, '_')
  return { id, model: call.facts.model, createdAt: Math.floor(Date.now() / 1000), issuer: tag, request, losses }
}

function untranslatable(losses: readonly Loss[]): RelayError {
  const [first] = losses
  const text = losses.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  return new RelayError('untranslatable', `The model's own language cannot say all of this request. ${text}`, {
    param: first?.path,
  })
}

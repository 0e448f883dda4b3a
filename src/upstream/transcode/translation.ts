import type { Call } from '../../call.js'
import type { ChatAnswer } from '../../chat/answer.js'
import { AnswerCollector } from '../../chat/collect-answer.js'
import type { Emit } from '../../chat/events.js'
import { fitTools } from '../../chat/fit-tools.js'
import { type Loss, Losses, recordForeignFields, rejectLosses } from '../../chat/losses.js'
import { replayAsEvents } from '../../chat/replay-answer.js'
import type { ChatRequest } from '../../chat/request.js'
import { cutAtStop, StopCutter } from '../../chat/stops.js'
import { dropUnsupported } from '../../chat/supported-settings.js'
import { joinSurrogates } from '../../chat/surrogates.js'
import { ToolNameRestorer } from '../../chat/tool-name-restorer.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import { readRecords } from '../../lib/sse.js'
import type { AnswerContext, Protocol, StreamReader, StreamWriter } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'
import type { SignatureMemory } from './signature-memory.js'
import { asksForStream, traitsOf } from './target-protocol.js'

export interface TranslationOptions {
  /** A loss is an error: see `translation` in the config. */
  readonly strict: boolean
  readonly memory: SignatureMemory
}

/** A call translated for a target. */
export interface Translation {
  /** The request in the target's protocol. */
  readonly body: Buffer
  /** What of the request had to be left out. */
  readonly losses: readonly Loss[]
  /** Translates the answer back. */
  readonly answerTranslator: AnswerTranslator
}

/** Writes a call in a target's protocol. @throws {RelayError} for a request that the protocol cannot express */
export function translate(
  call: Call,
  target: Target,
  protocol: Protocol,
  { strict, memory }: TranslationOptions,
): Translation {
  const { model, signatureTag: issuer, dialect } = target
  const losses = new Losses(protocol.id, call.protocol.settingNames)
  const conversation = memory.restore(conversationOf(call), call.caller.id)
  const traits = traitsOf(target, protocol)
  const { request, toolNames } = fitTools(dropUnsupported(conversation, dialect, losses), traits, losses)
  // The relay itself ends the answer at stop sequences beyond those that the target accepts.
  const acceptedStops = traits.stopSequences ?? request.stop.length
  const written =
    request.stop.length > acceptedStops ? { ...request, stop: request.stop.slice(0, acceptedStops) } : request
  recordForeignFields(written, losses)
  const stream = asksForStream(call, target)
  const body = protocol.writeRequest(written, { model, stream, issuer, dialect, losses })
  rejectLosses(losses, strict)
  const answerTranslator = new AnswerTranslator(call, target, {
    reader: protocol,
    memory,
    request: conversation,
    toolNames,
    stops: request.stop.slice(acceptedStops),
  })
  return { body: Buffer.from(body), losses: losses.list, answerTranslator }
}

/**
 * Converts a whole answer to a stream, or the reverse, within the caller's protocol. The request passed through unread, so
 * this ignores what the relay cannot read of it.
 */
export function createSameProtocolTranslator(call: Call, target: Target, memory: SignatureMemory): AnswerTranslator {
  return new AnswerTranslator(call, target, { reader: call.protocol, memory, request: readableConversation(call) })
}

const EMPTY_CONVERSATION: ChatRequest = { stream: true, turns: [], tools: [], stop: [] }

function readableConversation(call: Call): ChatRequest {
  try {
    return conversationOf(call)
  } catch {
    return EMPTY_CONVERSATION
  }
}

/** The call's body as a protocol-neutral conversation. Read once, however many targets are tried. @throws {RelayError} */
export function conversationOf(call: Call): ChatRequest {
  call.conversation ??= call.protocol.readRequest(call.body, call.path)
  return call.conversation
}

interface AnswerTranslatorOptions {
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

import type { Call } from '../../call.js'
import { lengthOf } from '../../chat/length.js'
import type { Loss } from '../../chat/losses.js'
import { isRefused } from '../../chat/refusal.js'
import { bringsCarried } from '../../chat/signatures.js'
import type { ByteChunks } from '../../lib/byte-chunks.js'
import { type Edit, spliceAll } from '../../lib/splice.js'
import type { AnswerFacts, InjectedUsage } from '../../protocols/passthrough.js'
import type { Protocol, StreamFraming } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import type { AttemptEnd, AttemptEvents, StreamPrelude } from '../attempt/attempt-events.js'
import { PassthroughStream } from '../stream/passthrough-stream.js'
import type { ClientStream } from '../stream/stream-output.js'
import { estimateTokens, reportsOutput } from '../stream/token-estimate.js'
import { TranslatedStream } from '../stream/translated-stream.js'
import type { AnswerTranslator } from './answer-translator.js'
import { protocolFor } from './protocol-for.js'
import {
  asksForStream,
  createSameProtocolTranslator,
  type Translation,
  type TranslationOptions,
  translate,
} from './translation.js'

/** A whole answer as the caller will have it, and what it says of itself. */
export interface DeliveredAnswer extends AnswerFacts, Pick<AttemptEnd, 'estimate'> {
  readonly bytes: Buffer
}

/** Server-sent events, as opposed to JSON. */
const BEGINS_STREAM = /^\s*(?:data:|event:|:)/
const NONE: readonly Loss[] = []
/** For an answer that is only measured. */
const NOBODY = { id: 'x' }

/** A document, a stream of records, or bytes that are neither. */
export type AnswerKind = 'whole' | 'stream' | 'raw'

/** A call's way through one channel: what is sent, and how what comes back is delivered. */
export interface Transcoder {
  /** The language that is spoken to the target. */
  readonly protocol: Protocol
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: ByteChunks
  /** What had to be left out so far. */
  readonly losses: readonly Loss[]
  /** What comes, by the upstream's content type. Left out: what was asked for. */
  kindOf?(contentType: string): AnswerKind
  /** The answer's content type, given the upstream's; empty for the usual one. */
  contentType(upstreams: string): string
  /** Where a stream goes once its answer has begun. */
  createStream(exchange: AttemptEvents, preamble: StreamPrelude): ClientStream
  /** The same for a whole answer where a stream was asked for. */
  createTranslatedStream(exchange: AttemptEvents): TranslatedStream
  /** A whole answer; also one that came as a stream nobody had asked for. */
  deliver(body: Buffer): DeliveredAnswer
}

/** @throws {RelayError} for a request that the target's language cannot do without a part of */
export type CreateTranscoder = (call: Call, channel: Channel, translating: TranslationOptions) => Transcoder

/** The passage of a conversation. */
export const createConversationTranscoder: CreateTranscoder = (...of) => new ConversationTranscoder(...of)

/** Where the target speaks the caller's language, request and answer are the bytes as they came; else both are translated. */
class ConversationTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly #call: Call
  readonly #channel: Channel
  readonly #translating: TranslationOptions
  readonly #translation: Translation | undefined
  readonly #framing: StreamFraming | undefined
  /** Usage was asked for that the caller did not ask for. */
  readonly #metering: InjectedUsage | undefined

  constructor(call: Call, channel: Channel, translating: TranslationOptions) {
    const { protocol, facts, body } = call
    const { model } = channel.target
    this.#call = call
    this.#channel = channel
    this.#translating = translating
    this.#framing = facts.usesOwnFraming ? protocol.framing : undefined
    this.protocol = protocolFor(channel.target, protocol)
    // What the relay has marked in an earlier answer means something to the relay only.
    const passes = this.protocol === protocol && !bringsCarried(body)
    this.#translation = passes ? undefined : translate(call, channel.target, this.protocol, translating)
    const asking = passes ? askingOf(call, channel.target) : undefined
    this.#metering = asking && protocol.injectedUsage
    this.body = this.#translation?.body ?? this.#suited(edited(body, modelEdit(call, model), asking))
  }

  get path(): string {
    const { target } = this.#channel
    return this.protocol.pathFor(target.model, asksForStream(this.#call, target))
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  get losses(): readonly Loss[] {
    if (!this.#translation) return NONE
    const { losses, answerTranslator } = this.#translation
    return answerTranslator.losses.length > 0 ? [...losses, ...answerTranslator.losses] : losses
  }

  contentType(upstreams: string): string {
    if (this.#framing) return this.#framing.contentType
    return this.#translation ? '' : upstreams
  }

  createStream(exchange: AttemptEvents, preamble: StreamPrelude): ClientStream {
    const frames = this.#framing?.begin()
    if (this.#translation) return new TranslatedStream(exchange, this.#translation.answerTranslator, frames)
    return new PassthroughStream(exchange, {
      prelude: preamble,
      frames,
      metering: this.#metering,
      faultMark: this.#channel.target.dialect.errorMark,
    })
  }

  createTranslatedStream(exchange: AttemptEvents): TranslatedStream {
    return new TranslatedStream(exchange, this.#retelling(), this.#framing?.begin())
  }

  deliver(body: Buffer): DeliveredAnswer {
    const isStream = BEGINS_STREAM.test(body.toString('latin1', 0, 64))
    if (!isStream && !this.#translation) return this.#pass(body)
    const retelling = this.#retelling()
    const answer = isStream ? retelling.collectStream(body) : retelling.readAnswer(body)
    const { usage, upstreamError } = answer
    const estimate = reportsOutput(usage) ? undefined : () => estimateTokens(lengthOf(answer))
    return {
      usage,
      upstreamError,
      refused: isRefused(answer),
      estimate,
      bytes: upstreamError ? body : retelling.write(answer),
    }
  }

  /** The caller's bytes, but for what the target is known to refuse. */
  #suited(body: Buffer): Buffer {
    const { target } = this.#channel
    const asStream = !this.#call.facts.stream && asksForStream(this.#call, target)
    return this.protocol.adaptRequest?.(body, target.dialect, asStream) ?? body
  }

  #pass(body: Buffer): DeliveredAnswer {
    const { protocol } = this
    const { usage, upstreamError, refused } = protocol.readAnswerFacts(body)
    const estimate = reportsOutput(usage)
      ? undefined
      : () => estimateTokens(lengthOf(protocol.readAnswer(body, NOBODY)))
    return { usage, upstreamError, refused, estimate, bytes: body }
  }

  #retelling(): AnswerTranslator {
    return (
      this.#translation?.answerTranslator ??
      createSameProtocolTranslator(this.#call, this.#channel.target, this.#translating.memory)
    )
  }
}

/** The caller's bytes, but for the model's name. */
export function withModelName(call: Call, model: string): Buffer {
  return edited(call.body, modelEdit(call, model))
}

/** Where the target's name for the model stands in for the caller's; undefined where they are the same. */
function modelEdit({ facts }: Call, model: string): Edit | undefined {
  return model === facts.model || !facts.modelSpan ? undefined : { at: facts.modelSpan, text: JSON.stringify(model) }
}

/** What has a stream tell of usage to whoever counts it, where its caller did not ask. */
function askingOf({ needsUsage, facts }: Call, { dialect }: Target): Edit | undefined {
  return needsUsage && facts.stream && dialect.acceptsUsageRequest !== false ? facts.usageRequestEdit : undefined
}

function edited(body: Buffer, ...edits: readonly (Edit | undefined)[]): Buffer {
  const given = edits.filter((edit) => edit !== undefined)
  return given.length > 0 ? spliceAll(body, given) : body
}

/** The credential's, then the caller's own where the language is theirs, then what it needs beside them. */
export function requestHeaders(protocol: Protocol, call: Call, { credential }: Channel): readonly string[] {
  const { headers: needed } = protocol
  const own = credential.headers
  const passed = protocol === call.protocol ? call.forwardedHeaders : []
  if (needed.length === 0) return passed.length === 0 ? own : [...own, ...passed]
  const missing = needed.filter((_text, at) => !passed.includes(needed[at - (at % 2)] ?? ''))
  return [...own, ...passed, ...missing]
}

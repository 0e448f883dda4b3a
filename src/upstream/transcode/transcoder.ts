import type { Call } from '../../call.js'
import { lengthOf } from '../../chat/length.js'
import type { Loss } from '../../chat/losses.js'
import { isRefused } from '../../chat/refusal.js'
import { holdsWrappedSignature } from '../../chat/signatures.js'
import type { ByteChunks } from '../../lib/byte-chunks.js'
import { type Edit, spliceAll } from '../../lib/splice.js'
import type { AnswerFacts, InjectedUsage } from '../../protocols/passthrough.js'
import type { Protocol, StreamFraming } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import type { AttemptEnd, AttemptEvents, ClientStream, StreamPrelude } from '../attempt/attempt-events.js'
import { PassthroughStream } from '../stream/passthrough-stream.js'
import { estimateTokens, reportsOutput } from '../stream/token-estimate.js'
import { TranslatedStream } from '../stream/translated-stream.js'
import { asksForStream, protocolFor } from './target-protocol.js'
import {
  type AnswerTranslator,
  createSameProtocolTranslator,
  type Translation,
  type TranslationOptions,
  translate,
} from './translation.js'

/** Writes the request of one attempt for its channel, and converts the answer back for the client. */
export interface Transcoder {
  /** The protocol toward the target. */
  readonly protocol: Protocol
  /** The protocol's own path, without the base URL's prefix. */
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: ByteChunks
  /** What the translation has left out so far. */
  readonly losses: readonly Loss[]
  /** The kind of the answer, by the upstream's content type. Left out: a stream if the client wants one. */
  kindOf?(contentType: string): AnswerKind
  /** The content type for the client, given the upstream's. Empty: the protocol's own. */
  contentType(upstreamContentType: string): string
  /** Creates the stream to the client, at the commit point. */
  createStream(attempt: AttemptEvents, prelude: StreamPrelude): ClientStream
  /** The same for a whole answer where the client wants a stream. */
  createTranslatedStream(attempt: AttemptEvents): TranslatedStream
  /** Converts a whole answer; also one that arrived as a stream, although the client wants none. */
  deliver(body: Buffer): DeliveredAnswer
}

/** JSON, a stream of records, or bytes that are neither. */
export type AnswerKind = 'whole' | 'stream' | 'raw'

/** A whole answer as the client gets it, and what the relay reads of it. */
export interface DeliveredAnswer extends AnswerFacts, Pick<AttemptEnd, 'estimate'> {
  readonly bytes: Buffer
}

/** Creates the transcoder of an attempt. @throws {RelayError} for a request that the target's protocol cannot express */
export type CreateTranscoder = (call: Call, channel: Channel, options: TranslationOptions) => Transcoder

/** The part of a transcoder that is common where answers never stream. */
export class WholeAnswerTranscoder
  implements Pick<Transcoder, 'contentType' | 'createStream' | 'createTranslatedStream'>
{
  contentType(): string {
    return ''
  }

  createStream(): ClientStream {
    throw new TypeError('this answer never streams')
  }

  createTranslatedStream(): TranslatedStream {
    throw new TypeError('this answer never streams')
  }
}

export const createConversationTranscoder: CreateTranscoder = (call, channel, options) =>
  new ConversationTranscoder(call, channel, options)

/** A body that starts like server-sent events, as opposed to JSON. */
const STARTS_LIKE_STREAM = /^\s*(?:data:|event:|:)/
const OPENING_BRACE = 0x7b
const NO_LOSSES: readonly Loss[] = []
/** For answers that are read only to measure them. */
const MEASURE_ONLY = { id: 'x' }

/** Transcodes conversations. To a target of the caller's protocol the bytes go unchanged, except for the model's name; otherwise request and answer are translated. */
class ConversationTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly #call: Call
  readonly #channel: Channel
  readonly #options: TranslationOptions
  /** Undefined where the bytes pass through. */
  readonly #translation: Translation | undefined
  /** Undefined for server-sent events. */
  readonly #framing: StreamFraming | undefined
  /** Set where the relay asks for usage that the client did not ask for. */
  readonly #injectedUsage: InjectedUsage | undefined

  constructor(call: Call, channel: Channel, options: TranslationOptions) {
    const { protocol, facts, body } = call
    const { target } = channel
    this.#call = call
    this.#channel = channel
    this.#options = options
    this.#framing = facts.usesOwnFraming ? protocol.framing : undefined
    this.protocol = protocolFor(target, protocol)
    // Signatures that the relay has wrapped in an earlier answer mean nothing to an upstream: unwrap by translating.
    const passesThrough = this.protocol === protocol && !holdsWrappedSignature(body)
    this.#translation = passesThrough ? undefined : translate(call, target, this.protocol, options)
    const usageRequest = passesThrough ? usageRequestEdit(call, target) : undefined
    this.#injectedUsage = usageRequest && protocol.injectedUsage
    this.body = this.#translation?.body ?? this.#adapt(edited(body, modelEdit(call, target.model), usageRequest))
  }

  get path(): string {
    const { target } = this.#channel
    return this.protocol.pathFor(target.model, asksForStream(this.#call, target))
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  get losses(): readonly Loss[] {
    if (!this.#translation) return NO_LOSSES
    const { losses, answerTranslator } = this.#translation
    return answerTranslator.losses.length > 0 ? [...losses, ...answerTranslator.losses] : losses
  }

  contentType(upstreamContentType: string): string {
    if (this.#framing) return this.#framing.contentType
    return this.#translation ? '' : upstreamContentType
  }

  createStream(attempt: AttemptEvents, prelude: StreamPrelude): ClientStream {
    const frames = this.#framing?.begin()
    if (this.#translation) return new TranslatedStream(attempt, this.#translation.answerTranslator, frames)
    const { errorMarker } = this.#channel.target.dialect
    return new PassthroughStream(attempt, { prelude, frames, injectedUsage: this.#injectedUsage, errorMarker })
  }

  createTranslatedStream(attempt: AttemptEvents): TranslatedStream {
    return new TranslatedStream(attempt, this.#answerTranslator(), this.#framing?.begin())
  }

  deliver(body: Buffer): DeliveredAnswer {
    const isStream = body[0] !== OPENING_BRACE && STARTS_LIKE_STREAM.test(body.toString('latin1', 0, 64))
    if (!isStream && !this.#translation) return this.#passThrough(body)
    const translator = this.#answerTranslator()
    const answer = isStream ? translator.collectStream(body) : translator.readAnswer(body)
    const { usage, upstreamError } = answer
    const estimate = reportsOutput(usage) ? undefined : () => estimateTokens(lengthOf(answer))
    const bytes = upstreamError ? body : translator.write(answer)
    return { usage, upstreamError, refused: isRefused(answer), estimate, bytes }
  }

  /** The caller's bytes without what the target is known to refuse. */
  #adapt(body: Buffer): Buffer {
    const { target } = this.#channel
    const asStream = !this.#call.facts.stream && asksForStream(this.#call, target)
    return this.protocol.adaptRequest?.(body, target.dialect, asStream) ?? body
  }

  #passThrough(body: Buffer): DeliveredAnswer {
    const { protocol } = this
    const { usage, upstreamError, refused } = protocol.readAnswerFacts(body)
    const estimate = reportsOutput(usage)
      ? undefined
      : () => estimateTokens(lengthOf(protocol.readAnswer(body, MEASURE_ONLY)))
    return { usage, upstreamError, refused, estimate, bytes: body }
  }

  #answerTranslator(): AnswerTranslator {
    return (
      this.#translation?.answerTranslator ??
      createSameProtocolTranslator(this.#call, this.#channel.target, this.#options.memory)
    )
  }
}

/** The caller's body with the target's name for the model. */
export function withModelName(call: Call, model: string): Buffer {
  return edited(call.body, modelEdit(call, model))
}

/** Undefined where the target's name for the model is the caller's. */
function modelEdit({ facts }: Call, model: string): Edit | undefined {
  return model === facts.model || !facts.modelSpan ? undefined : { span: facts.modelSpan, text: JSON.stringify(model) }
}

/** The edit that makes a stream report its usage, where something needs it and the client did not ask. */
function usageRequestEdit({ needsUsage, facts }: Call, { dialect }: Target): Edit | undefined {
  return needsUsage && facts.stream && dialect.acceptsUsageRequest !== false ? facts.usageRequestEdit : undefined
}

function edited(body: Buffer, one: Edit | undefined, other?: Edit): Buffer {
  // Most calls have no edit, and pay for no list.
  if (!one && !other) return body
  return spliceAll(
    body,
    [one, other].filter((edit) => edit !== undefined),
  )
}

/** The headers of a request: the credential's, the client's own where the protocol is the same, and what the protocol requires besides. */
export function requestHeaders(protocol: Protocol, call: Call, { credential }: Channel): readonly string[] {
  const { headers: required } = protocol
  const forwarded = protocol === call.protocol ? call.forwardedHeaders : []
  if (required.length === 0) return forwarded.length === 0 ? credential.headers : [...credential.headers, ...forwarded]
  const missing = required.filter((_text, at) => !forwarded.includes(required[at - (at % 2)] ?? ''))
  return [...credential.headers, ...forwarded, ...missing]
}

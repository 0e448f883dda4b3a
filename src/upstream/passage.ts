import type { Call, Channel, Target } from '../call.js'
import { lengthOf } from '../chat/length.js'
import type { Loss } from '../chat/losses.js'
import { isRefused } from '../chat/refusal.js'
import { bringsCarried } from '../chat/signatures.js'
import type { Pieces } from '../lib/pieces.js'
import { type Edit, spliceAll } from '../lib/splice.js'
import type { AnswerFacts, Metering } from '../protocols/passing.js'
import type { Framing, Protocol } from '../protocols/protocol.js'
import { tellsOutput, tokensOf } from './delivered.js'
import { Flow } from './flow.js'
import type { Answering, Ended, Preamble } from './intake.js'
import { languageFor } from './language.js'
import type { Outflow } from './outlet.js'
import type { Retelling } from './retelling.js'
import { TranslatedFlow } from './translated-flow.js'
import { retellOwn, streamsFor, type Translating, type Translation, translate } from './translation.js'

/** A whole answer as the caller will have it, and what it says of itself. */
export interface Delivered extends AnswerFacts, Pick<Ended, 'estimate'> {
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
export interface Passage {
  /** The language that is spoken to the target. */
  readonly protocol: Protocol
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Pieces
  /** What had to be left out so far. */
  readonly losses: readonly Loss[]
  /** What comes, by the upstream's content type. Left out: what was asked for. */
  kindOf?(contentType: string): AnswerKind
  /** The answer's content type, given the upstream's; empty for the usual one. */
  contentType(upstreams: string): string
  /** Where a stream goes once its answer has begun. */
  open(exchange: Answering, preamble: Preamble): Outflow
  /** The same for a whole answer where a stream was asked for. */
  openTranslated(exchange: Answering): TranslatedFlow
  /** A whole answer; also one that came as a stream nobody had asked for. */
  deliver(body: Buffer): Delivered
}

/** @throws {RelayError} for a request that the target's language cannot do without a part of */
export type OpenPassage = (call: Call, channel: Channel, translating: Translating) => Passage

/** The passage of a conversation. */
export const openConversation: OpenPassage = (...of) => new Conversation(...of)

/** Where the target speaks the caller's language, request and answer are the bytes as they came; else both are translated. */
class Conversation implements Passage {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly #call: Call
  readonly #channel: Channel
  readonly #translating: Translating
  readonly #translation: Translation | undefined
  readonly #framing: Framing | undefined
  /** Usage was asked for that the caller did not ask for. */
  readonly #metering: Metering | undefined

  constructor(call: Call, channel: Channel, translating: Translating) {
    const { protocol, facts, body } = call
    const { model } = channel.target
    this.#call = call
    this.#channel = channel
    this.#translating = translating
    this.#framing = facts.isFramed ? protocol.framing : undefined
    this.protocol = languageFor(channel.target, protocol)
    // What the relay has marked in an earlier answer means something to the relay only.
    const passes = this.protocol === protocol && !bringsCarried(body)
    this.#translation = passes ? undefined : translate(call, channel.target, this.protocol, translating)
    const asking = passes ? askingOf(call, channel.target) : undefined
    this.#metering = asking && protocol.metering
    this.body = this.#translation?.body ?? this.#suited(edited(body, modelEdit(call, model), asking))
  }

  get path(): string {
    const { target } = this.#channel
    return this.protocol.pathFor(target.model, streamsFor(this.#call, target))
  }

  get headers(): readonly string[] {
    return headersFor(this.protocol, this.#call, this.#channel)
  }

  get losses(): readonly Loss[] {
    if (!this.#translation) return NONE
    const { losses, retelling } = this.#translation
    return retelling.losses.length > 0 ? [...losses, ...retelling.losses] : losses
  }

  contentType(upstreams: string): string {
    if (this.#framing) return this.#framing.contentType
    return this.#translation ? '' : upstreams
  }

  open(exchange: Answering, preamble: Preamble): Outflow {
    const frames = this.#framing?.begin()
    if (this.#translation) return new TranslatedFlow(exchange, this.#translation.retelling, frames)
    return new Flow(exchange, {
      preamble,
      frames,
      metering: this.#metering,
      faultMark: this.#channel.target.dialect.faultMark,
    })
  }

  openTranslated(exchange: Answering): TranslatedFlow {
    return new TranslatedFlow(exchange, this.#retelling(), this.#framing?.begin())
  }

  deliver(body: Buffer): Delivered {
    const isStream = BEGINS_STREAM.test(body.toString('latin1', 0, 64))
    if (!isStream && !this.#translation) return this.#pass(body)
    const retelling = this.#retelling()
    const answer = isStream ? retelling.fold(body) : retelling.readAnswer(body)
    const { usage, fault } = answer
    const estimate = tellsOutput(usage) ? undefined : () => tokensOf(lengthOf(answer))
    return { usage, fault, refused: isRefused(answer), estimate, bytes: fault ? body : retelling.write(answer) }
  }

  /** The caller's bytes, but for what the target is known to refuse. */
  #suited(body: Buffer): Buffer {
    const { target } = this.#channel
    const asStream = !this.#call.facts.stream && streamsFor(this.#call, target)
    return this.protocol.suit?.(body, target.dialect, asStream) ?? body
  }

  #pass(body: Buffer): Delivered {
    const { protocol } = this
    const { usage, fault, refused } = protocol.readAnswerFacts(body)
    const estimate = tellsOutput(usage) ? undefined : () => tokensOf(lengthOf(protocol.readAnswer(body, NOBODY)))
    return { usage, fault, refused, estimate, bytes: body }
  }

  #retelling(): Retelling {
    return this.#translation?.retelling ?? retellOwn(this.#call, this.#channel.target, this.#translating.memory)
  }
}

/** The caller's bytes, but for the model's name. */
export function renamed(call: Call, model: string): Buffer {
  return edited(call.body, modelEdit(call, model))
}

/** Where the target's name for the model stands in for the caller's; undefined where they are the same. */
function modelEdit({ facts }: Call, model: string): Edit | undefined {
  return model === facts.model || !facts.modelAt ? undefined : { at: facts.modelAt, text: JSON.stringify(model) }
}

/** What has a stream tell of usage to whoever counts it, where its caller did not ask. */
function askingOf({ metered, facts }: Call, { dialect }: Target): Edit | undefined {
  return metered && facts.stream && dialect.tellsUsage !== false ? facts.asking : undefined
}

function edited(body: Buffer, ...edits: readonly (Edit | undefined)[]): Buffer {
  const given = edits.filter((edit) => edit !== undefined)
  return given.length > 0 ? spliceAll(body, given) : body
}

/** The credential's, then the caller's own where the language is theirs, then what it needs beside them. */
export function headersFor(protocol: Protocol, call: Call, { credential }: Channel): readonly string[] {
  const { headers: needed } = protocol
  const own = credential.headers
  const passed = protocol === call.protocol ? call.passedHeaders : []
  if (needed.length === 0) return passed.length === 0 ? own : [...own, ...passed]
  const missing = needed.filter((_text, at) => !passed.includes(needed[at - (at % 2)] ?? ''))
  return [...own, ...passed, ...missing]
}

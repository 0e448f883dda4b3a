import type { Call, Channel } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { MARK } from '../chat/signatures.js'
import type { Usage } from '../chat/usage.js'
import { splice } from '../lib/splice.js'
import type { AnswerFacts, Protocol } from '../protocols/protocol.js'
import { Flow } from './flow.js'
import type { Answering } from './intake.js'
import type { Outflow } from './outlet.js'
import { TranslatedFlow } from './translated-flow.js'
import { type Translating, Translation } from './translation.js'

/** A whole answer as the caller will have it, and what it says of itself. */
export interface Delivered extends AnswerFacts {
  readonly bytes: Buffer
}

/** Server-sent events, as opposed to JSON. */
const BEGINS_STREAM = /^\s*(?:data:|event:|:)/
const ARRAY_TYPE = 'application/json; charset=utf-8'
const NONE: readonly Loss[] = []

/** A call's way through one channel: what is sent, and how what comes back is delivered. */
export interface Passage {
  /** The language that is spoken to the target. */
  readonly protocol: Protocol
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Buffer
  /** What had to be left out so far. */
  readonly losses: readonly Loss[]
  /** The answer's content type, given the upstream's; empty for the usual one. */
  contentType(upstreams: string): string
  /** Where a stream goes once its answer has begun, and has perhaps told of usage already. */
  open(exchange: Answering, begun: Usage | undefined): Outflow
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

  constructor(call: Call, channel: Channel, translating: Translating) {
    const { protocol, facts, body } = call
    const { upstream, model } = channel.target
    this.#call = call
    this.#channel = channel
    this.#translating = translating
    const speaksIt = upstream.speaks.includes(protocol)
    this.protocol = speaksIt ? protocol : (upstream.speaks[0] ?? protocol)
    // What the relay has marked in an earlier answer means something to the relay only.
    const passes = speaksIt && !facts.asArray && !body.includes(MARK)
    this.#translation = passes ? undefined : this.#translate()
    const original = model === facts.model || !facts.modelAt ? body : splice(body, facts.modelAt, model)
    this.body = this.#translation?.body ?? original
  }

  get path(): string {
    return this.protocol.pathFor(this.#channel.target.model, this.#call.facts.stream)
  }

  get headers(): readonly string[] {
    return headersFor(this.protocol, this.#call, this.#channel)
  }

  get losses(): readonly Loss[] {
    return this.#translation?.losses ?? NONE
  }

  contentType(upstreams: string): string {
    if (this.#call.facts.asArray) return ARRAY_TYPE
    return this.#translation ? '' : upstreams
  }

  open(exchange: Answering, begun: Usage | undefined): Outflow {
    return this.#translation ? new TranslatedFlow(exchange, this.#translation) : new Flow(exchange, begun)
  }

  openTranslated(exchange: Answering): TranslatedFlow {
    return new TranslatedFlow(exchange, this.#translation ?? this.#translate())
  }

  deliver(body: Buffer): Delivered {
    const isStream = BEGINS_STREAM.test(body.toString('latin1', 0, 64))
    if (!isStream && !this.#translation) return { ...this.protocol.readAnswerFacts(body), bytes: body }
    const translation = this.#translation ?? this.#translate()
    const answer = isStream ? translation.fold(body) : translation.readAnswer(body)
    const { usage, fault } = answer
    return { usage, fault, bytes: fault ? body : translation.write(answer) }
  }

  #translate(): Translation {
    return new Translation(this.#call, this.#channel.target, this.protocol, this.#translating)
  }
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

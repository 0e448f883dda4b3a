import type { Call } from '../../call.js'
import { fitTools } from '../../chat/fit-tools.js'
import { declareForeign, type Loss, Losses } from '../../chat/losses.js'
import { bringsCarried } from '../../chat/signatures.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Counting, Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import {
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
  withModelName,
} from './transcoder.js'
import { rejectLosses, type TranslationOptions, traitsOf } from './translation.js'
import { WholeAnswerTranscoder } from './whole-answer-transcoder.js'

/** The passage of a count: the target is asked how many tokens it would read. */
export const createCountTranscoder: CreateTranscoder = (...of) => new CountTranscoder(...of)

/** The language in which a target can be asked for a count: the caller's, if it may be. */
export function countingProtocol({ speaks, countsTokens }: Target, own: Protocol): Protocol | undefined {
  if (!countsTokens) return undefined
  if (speaks.includes(own) && own.counting) return own
  return speaks.find(({ counting }) => counting !== undefined)
}

class CountTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #counting: Counting
  readonly #call: Call
  readonly #channel: Channel

  /** @throws {RelayError} for a conversation that the target's language cannot do without a part of */
  constructor(call: Call, channel: Channel, { strict }: TranslationOptions) {
    super()
    const protocol = countingProtocol(channel.target, call.protocol)
    if (!protocol?.counting) throw new TypeError('a target that cannot count was asked to')
    this.protocol = protocol
    this.#counting = protocol.counting
    this.#call = call
    this.#channel = channel
    const losses = new Losses(protocol.id, call.protocol.settingNames)
    this.body = this.#own() ?? Buffer.from(this.#translated(losses))
    this.losses = losses.list
    rejectLosses(losses, strict)
  }

  get path(): string {
    return this.#counting.pathFor(this.#channel.target.model)
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  deliver(body: Buffer): DeliveredAnswer {
    const tokens = this.#counting.readCount(body)
    if (tokens === undefined) return { bytes: body, upstreamError: invalidAnswer('no count') }
    const { protocol } = this.#call
    if (protocol === this.protocol || !protocol.counting) return { bytes: body }
    return { bytes: Buffer.from(protocol.counting.writeCount(tokens)) }
  }

  /** The caller's bytes, where they can go on; undefined where something in them means something else to the target. */
  #own(): Buffer | undefined {
    const { body, protocol } = this.#call
    if (this.protocol !== protocol || bringsCarried(body)) return undefined
    return withModelName(this.#call, this.#channel.target.model)
  }

  #translated(losses: Losses): string {
    const { conversation, body, path, protocol } = this.#call
    const { model, signatureTag: issuer, dialect } = this.#channel.target
    const asked = conversation ?? protocol.counting?.readRequest(body, path) ?? protocol.readRequest(body, path)
    const { request } = fitTools(asked, traitsOf(this.#channel.target, this.protocol), losses)
    // Where an answer would end does not count.
    const told = { ...request, stop: [] }
    declareForeign(told, losses)
    return this.#counting.writeRequest(told, { model, stream: false, issuer: issuer, dialect, losses })
  }
}

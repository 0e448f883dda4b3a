import type { Call } from '../../call.js'
import { fitTools } from '../../chat/fit-tools.js'
import { type Loss, Losses, recordForeignFields, rejectLosses } from '../../chat/losses.js'
import { holdsWrappedSignature } from '../../chat/signatures.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Protocol, TokenCounting } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import { traitsOf } from './target-protocol.js'
import {
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
  WholeAnswerTranscoder,
  withModelName,
} from './transcoder.js'
import type { TranslationOptions } from './translation.js'

/** Transcodes a request for a token count. */
export const createCountTranscoder: CreateTranscoder = (call, channel, options) =>
  new CountTranscoder(call, channel, options)

/** The protocol for token counts at a target: the caller's own where possible. Undefined where the target cannot count. */
export function countingProtocol({ speaks, countsTokens }: Target, own: Protocol): Protocol | undefined {
  if (!countsTokens) return undefined
  if (speaks.includes(own) && own.tokenCounting) return own
  return speaks.find(({ tokenCounting }) => tokenCounting !== undefined)
}

class CountTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #counting: TokenCounting
  readonly #call: Call
  readonly #channel: Channel

  /** @throws {RelayError} for a conversation that the target's protocol cannot express */
  constructor(call: Call, channel: Channel, { strict }: TranslationOptions) {
    super()
    const protocol = countingProtocol(channel.target, call.protocol)
    if (!protocol?.tokenCounting) throw new TypeError('this target cannot count tokens')
    this.protocol = protocol
    this.#counting = protocol.tokenCounting
    this.#call = call
    this.#channel = channel
    const losses = new Losses(protocol.id, call.protocol.settingNames)
    this.body = this.#passThrough() ?? Buffer.from(this.#translate(losses))
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
    if (tokens === undefined) return { bytes: body, upstreamError: invalidAnswer('an answer without a count') }
    const { protocol } = this.#call
    if (protocol === this.protocol || !protocol.tokenCounting) return { bytes: body }
    return { bytes: Buffer.from(protocol.tokenCounting.writeCount(tokens)) }
  }

  /** The caller's bytes; undefined where they must be translated. */
  #passThrough(): Buffer | undefined {
    const { body, protocol } = this.#call
    if (this.protocol !== protocol || holdsWrappedSignature(body)) return undefined
    return withModelName(this.#call, this.#channel.target.model)
  }

  #translate(losses: Losses): string {
    const { conversation, body, path, protocol } = this.#call
    const { model, signatureTag: issuer, dialect } = this.#channel.target
    const read = conversation ?? protocol.tokenCounting?.readRequest(body, path) ?? protocol.readRequest(body, path)
    const { request } = fitTools(read, traitsOf(this.#channel.target, this.protocol), losses)
    // Stop sequences have no tokens.
    const counted = { ...request, stop: [] }
    recordForeignFields(counted, losses)
    return this.#counting.writeRequest(counted, { model, stream: false, issuer, dialect, losses })
  }
}

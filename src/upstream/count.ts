import type { Call, Channel, Target } from '../call.js'
import { invalidAnswer } from '../chat/fault.js'
import { fitTools } from '../chat/fit.js'
import { declareForeign, type Loss, Losses } from '../chat/losses.js'
import { bringsCarried } from '../chat/signatures.js'
import type { Counting, Protocol } from '../protocols/protocol.js'
import { type Delivered, headersFor, type OpenPassage, type Passage, renamed } from './passage.js'
import { refuseLosses, type Translating, traitsOf } from './translation.js'
import { WholePassage } from './whole-passage.js'

/** The passage of a count: the target is asked how many tokens it would read. */
export const openCount: OpenPassage = (...of) => new Count(...of)

/** The language in which a target can be asked for a count: the caller's, if it may be. */
export function countingLanguage({ speaks, counts }: Target, own: Protocol): Protocol | undefined {
  if (!counts) return undefined
  if (speaks.includes(own) && own.counting) return own
  return speaks.find(({ counting }) => counting !== undefined)
}

class Count extends WholePassage implements Passage {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #counting: Counting
  readonly #call: Call
  readonly #channel: Channel

  /** @throws {RelayError} for a conversation that the target's language cannot do without a part of */
  constructor(call: Call, channel: Channel, { strict }: Translating) {
    super()
    const protocol = countingLanguage(channel.target, call.protocol)
    if (!protocol?.counting) throw new TypeError('a target that cannot count was asked to')
    this.protocol = protocol
    this.#counting = protocol.counting
    this.#call = call
    this.#channel = channel
    const losses = new Losses(protocol.id, call.protocol.spelling)
    this.body = this.#own() ?? Buffer.from(this.#translated(losses))
    this.losses = losses.list
    refuseLosses(losses, strict)
  }

  get path(): string {
    return this.#counting.pathFor(this.#channel.target.model)
  }

  get headers(): readonly string[] {
    return headersFor(this.protocol, this.#call, this.#channel)
  }

  deliver(body: Buffer): Delivered {
    const tokens = this.#counting.readCount(body)
    if (tokens === undefined) return { bytes: body, fault: invalidAnswer('no count') }
    const { protocol } = this.#call
    if (protocol === this.protocol || !protocol.counting) return { bytes: body }
    return { bytes: Buffer.from(protocol.counting.writeCount(tokens)) }
  }

  /** The caller's bytes, where they can go on; undefined where something in them means something else to the target. */
  #own(): Buffer | undefined {
    const { body, protocol } = this.#call
    if (this.protocol !== protocol || bringsCarried(body)) return undefined
    return renamed(this.#call, this.#channel.target.model)
  }

  #translated(losses: Losses): string {
    const { conversation, body, path, protocol } = this.#call
    const { model, tag: issuer, dialect } = this.#channel.target
    const asked = conversation ?? protocol.counting?.readRequest(body, path) ?? protocol.readRequest(body, path)
    const { request } = fitTools(asked, traitsOf(this.#channel.target, this.protocol), losses)
    // Where an answer would end does not count.
    const told = { ...request, stop: [] }
    declareForeign(told, losses)
    return this.#counting.writeRequest(told, { model, stream: false, issuer, dialect, losses })
  }
}

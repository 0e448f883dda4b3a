import type { Call, Channel, Target } from '../call.js'
import { type Loss, Losses } from '../chat/losses.js'
import type { RelayError } from '../errors.js'
import { type ImageAnswer, type ImageRequest, type Imaging, NOT_DRAWN } from '../protocols/imaging.js'
import type { Protocol } from '../protocols/protocol.js'
import { type Delivered, headersFor, type OpenPassage, type Passage } from './passage.js'
import { refuseLosses } from './translation.js'
import { WholePassage } from './whole-passage.js'

/** How a target that is asked for images in a language of its own is asked for them. */
export interface Studio {
  readonly protocol: Protocol
  readonly imaging: Imaging
}

/** Undefined for a target that cannot be asked. */
export function studioOf({ speaks, model }: Pick<Target, 'speaks' | 'model'>): Studio | undefined {
  for (const protocol of speaks) if (protocol.imaging) return { protocol, imaging: protocol.imaging(model) }
  return undefined
}

/** A request for some of the images that a call wants, written for a target. Made once, however often it is sent. */
export interface Commission {
  readonly body: Buffer
  /** What had to be left out. */
  readonly losses: readonly Loss[]
}

interface Commissioned {
  readonly studio: Studio
  readonly model: string
  /** How many of the images. */
  readonly count: number
  /** Whatever would be lost is an error instead. */
  readonly strict: boolean
}

/** @throws {RelayError} for what cannot be left out */
export function commission(request: ImageRequest, { studio, model, count, strict }: Commissioned): Commission {
  const { protocol, imaging } = studio
  const losses = new Losses(protocol.id)
  const body = Buffer.from(imaging.writeRequest(request, { model, count, losses }))
  refuseLosses(losses, strict)
  return { body, losses: losses.list }
}

/** Some of the images that a call wants, in a request of their own. */
export interface ImageShare {
  readonly studio: Studio
  readonly commission: Commission
  /** Once they have come. */
  answer: ImageAnswer | undefined
  /** How much came, in bytes. */
  size: number
}

/** The passage of a share. Its answer is kept, and nothing of it told. */
export function openShare(share: ImageShare): OpenPassage {
  return (call, channel) => new SharePassage(share, call, channel)
}

/** Whether a share has failed in a way that says nothing of the others: it was filtered, or answered in words. */
export function isKeptBack({ kind, code }: RelayError): boolean {
  return kind === 'content_filtered' || code === NOT_DRAWN
}

const NOTHING = Buffer.alloc(0)

class SharePassage extends WholePassage implements Passage {
  readonly #share: ImageShare
  readonly #call: Call
  readonly #channel: Channel

  constructor(share: ImageShare, call: Call, channel: Channel) {
    super()
    this.#share = share
    this.#call = call
    this.#channel = channel
  }

  get protocol(): Protocol {
    return this.#share.studio.protocol
  }

  get path(): string {
    return this.#share.studio.imaging.pathFor(this.#channel.target.model)
  }

  get headers(): readonly string[] {
    return headersFor(this.protocol, this.#call, this.#channel)
  }

  get body(): Buffer {
    return this.#share.commission.body
  }

  get losses(): readonly Loss[] {
    return this.#share.commission.losses
  }

  deliver(body: Buffer): Delivered {
    const answer = this.#share.studio.imaging.readAnswer(body)
    if ('message' in answer) return { fault: answer, bytes: body }
    this.#share.answer = answer
    this.#share.size = body.length
    return { usage: answer.usage, bytes: NOTHING }
  }
}

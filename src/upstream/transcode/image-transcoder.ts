import type { Call } from '../../call.js'
import { type Loss, Losses } from '../../chat/losses.js'
import type { RelayError } from '../../errors.js'
import {
  type ImageAnswer,
  type ImageGeneration,
  type ImageRequest,
  NOT_DRAWN,
} from '../../protocols/image-generation.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import { type CreateTranscoder, type DeliveredAnswer, requestHeaders, type Transcoder } from './transcoder.js'
import { rejectLosses } from './translation.js'
import { WholeAnswerTranscoder } from './whole-answer-transcoder.js'

/** How a target that is asked for images in a language of its own is asked for them. */
export interface ImageModel {
  readonly protocol: Protocol
  readonly imaging: ImageGeneration
}

/** Undefined for a target that cannot be asked. */
export function imageModelOf({ speaks, model }: Pick<Target, 'speaks' | 'model'>): ImageModel | undefined {
  for (const protocol of speaks) if (protocol.imaging) return { protocol, imaging: protocol.imaging(model) }
  return undefined
}

/** A request for some of the images that a call wants, written for a target. Made once, however often it is sent. */
export interface ImageJob {
  readonly body: Buffer
  /** What had to be left out. */
  readonly losses: readonly Loss[]
}

interface Commissioned {
  readonly studio: ImageModel
  readonly model: string
  /** How many of the images. */
  readonly count: number
  /** Whatever would be lost is an error instead. */
  readonly strict: boolean
}

/** @throws {RelayError} for what cannot be left out */
export function createImageJob(request: ImageRequest, { studio, model, count, strict }: Commissioned): ImageJob {
  const { protocol, imaging } = studio
  const losses = new Losses(protocol.id)
  const body = Buffer.from(imaging.writeRequest(request, { model, count, losses }))
  rejectLosses(losses, strict)
  return { body, losses: losses.list }
}

/** Some of the images that a call wants, in a request of their own. */
export interface ImageSubRequest {
  readonly imageModel: ImageModel
  readonly job: ImageJob
  /** Once they have come. */
  answer: ImageAnswer | undefined
  /** How much came, in bytes. */
  size: number
}

/** The passage of a share. Its answer is kept, and nothing of it told. */
export function createImageTranscoder(share: ImageSubRequest): CreateTranscoder {
  return (call, channel) => new ImageTranscoder(share, call, channel)
}

/** Whether a share has failed in a way that says nothing of the others: it was filtered, or answered in words. */
export function isFilteredOut({ kind, code }: RelayError): boolean {
  return kind === 'content_filtered' || code === NOT_DRAWN
}

const NOTHING = Buffer.alloc(0)

class ImageTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly #share: ImageSubRequest
  readonly #call: Call
  readonly #channel: Channel

  constructor(share: ImageSubRequest, call: Call, channel: Channel) {
    super()
    this.#share = share
    this.#call = call
    this.#channel = channel
  }

  get protocol(): Protocol {
    return this.#share.imageModel.protocol
  }

  get path(): string {
    return this.#share.imageModel.imaging.pathFor(this.#channel.target.model)
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  get body(): Buffer {
    return this.#share.job.body
  }

  get losses(): readonly Loss[] {
    return this.#share.job.losses
  }

  deliver(body: Buffer): DeliveredAnswer {
    const answer = this.#share.imageModel.imaging.readAnswer(body)
    if ('message' in answer) return { upstreamError: answer, bytes: body }
    this.#share.answer = answer
    this.#share.size = body.length
    return { usage: answer.usage, bytes: NOTHING }
  }
}

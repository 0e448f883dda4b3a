import type { Call } from '../../call.js'
import { type Loss, Losses, rejectLosses } from '../../chat/losses.js'
import type { RelayError } from '../../errors.js'
import {
  type ImageAnswer,
  type ImageGeneration,
  type ImageRequest,
  NO_IMAGE_CODE,
} from '../../protocols/image-generation.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import {
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
  WholeAnswerTranscoder,
} from './transcoder.js'

/** A model that draws images through a protocol other than OpenAI's. */
export interface ImageModel {
  readonly protocol: Protocol
  readonly imageGeneration: ImageGeneration
}

/** Undefined for a target that does not draw images in such a way. */
export function imageModelOf({ speaks, model }: Pick<Target, 'speaks' | 'model'>): ImageModel | undefined {
  for (const protocol of speaks)
    if (protocol.imageGeneration) return { protocol, imageGeneration: protocol.imageGeneration(model) }
  return undefined
}

/** The body of a request for images, written for a target. Written once, and sent as often as needed. */
export interface ImageJob {
  readonly body: Buffer
  /** What translation had to leave out. */
  readonly losses: readonly Loss[]
}

/** Writes the request for `count` images. `strict`: a loss is an error. @throws {RelayError} for what the protocol cannot express */
export function createImageJob(
  request: ImageRequest,
  { protocol, imageGeneration }: ImageModel,
  model: string,
  count: number,
  strict: boolean,
): ImageJob {
  const losses = new Losses(protocol.id)
  const body = Buffer.from(imageGeneration.writeRequest(request, { model, count, losses }))
  rejectLosses(losses, strict)
  return { body, losses: losses.list }
}

/** Some of a call's images, in an upstream request of their own. */
export interface ImageSubRequest {
  readonly imageModel: ImageModel
  readonly job: ImageJob
  /** Filled when the request is answered. */
  answer: ImageAnswer | undefined
  /** Size of the answer in bytes. */
  size: number
}

/** Transcodes a sub-request. Stores the answer in it instead of writing it. */
export function createImageTranscoder(request: ImageSubRequest): CreateTranscoder {
  return (call, channel) => new ImageTranscoder(request, call, channel)
}

/** Whether a failure concerns this image only: a filter stopped it, or the model answered in text. */
export function isFilteredOut({ kind, code }: RelayError): boolean {
  return kind === 'content_filtered' || code === NO_IMAGE_CODE
}

const NO_BYTES = Buffer.alloc(0)

class ImageTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly #request: ImageSubRequest
  readonly #call: Call
  readonly #channel: Channel

  constructor(request: ImageSubRequest, call: Call, channel: Channel) {
    super()
    this.#request = request
    this.#call = call
    this.#channel = channel
  }

  get protocol(): Protocol {
    return this.#request.imageModel.protocol
  }

  get path(): string {
    return this.#request.imageModel.imageGeneration.pathFor(this.#channel.target.model)
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  get body(): Buffer {
    return this.#request.job.body
  }

  get losses(): readonly Loss[] {
    return this.#request.job.losses
  }

  deliver(body: Buffer): DeliveredAnswer {
    const answer = this.#request.imageModel.imageGeneration.readAnswer(body)
    if ('message' in answer) return { upstreamError: answer, bytes: body }
    this.#request.answer = answer
    this.#request.size = body.length
    return { usage: answer.usage, bytes: NO_BYTES }
  }
}

import type { MediaBlock } from '../chat/blocks.js'
import type { Losses } from '../chat/losses.js'
import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'

/** What is to be drawn, in no language's words. */
export interface ImageRequest {
  readonly prompt: string
  /** What is to be edited; none where something new is drawn. */
  readonly images: readonly ImageInput[]
  /** The name of what says which part of an image may change; undefined where all of it may. */
  readonly mask: string | undefined
  /** How many are wanted: 1 to 10. */
  readonly count: number
  /** Undefined where the model may choose. */
  readonly size: ImageSize | undefined
  readonly background: 'transparent' | 'opaque' | undefined
  /** `png`, `jpeg` and the like. */
  readonly format: string | undefined
  /** How much is kept of it, in percent. */
  readonly compression: number | undefined
  /** Addresses are wanted in place of bytes. */
  readonly isLinked: boolean
  /** Told as a stream's events. */
  readonly stream: boolean
  /** What else the caller has said, by its own names: nobody else has a word for it. */
  readonly own: readonly string[]
}

/** One image that is to be edited. */
export interface ImageInput {
  /** Its address is given, and not its bytes. */
  readonly isRemote: boolean
  /** Made when it is wanted: it holds all of the image in Base64. */
  block(): MediaBlock
}

/** Pixels, or what alone is known: their ratio. */
export interface ImageSize {
  readonly width: number
  readonly height: number
  readonly isRatio: boolean
}

/** One image that was drawn. */
export interface DrawnImage {
  readonly mime: string
  /** Base64. */
  readonly data: string
  /** What was drawn, where that is not what was asked for. */
  readonly prompt?: string | undefined
}

/** What has been drawn: at least one image. */
export interface ImageAnswer {
  readonly images: readonly DrawnImage[]
  readonly usage: Usage | undefined
}

/** The code of a fault where a model was free to draw, and did not. */
export const NOT_DRAWN = 'no_image'

/** How a model is asked for images. */
export interface ImageGeneration {
  /** So many are drawn by one request: of more, each share is a request of its own. */
  readonly mostImages: number
  pathFor(model: string): string
  /** @throws {RelayError} for what the model cannot be asked for at all, naming its path */
  check(request: ImageRequest): void
  writeRequest(request: ImageRequest, writing: ImageWriting): string
  /** A fault where nothing was drawn. */
  readAnswer(body: Buffer): ImageAnswer | UpstreamError
}

/** What a request for images is written for. */
export interface ImageWriting {
  /** The model's name at the target. */
  readonly model: string
  /** How many of the images are asked for by it. */
  readonly count: number
  readonly losses: Losses
}

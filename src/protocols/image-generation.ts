import type { MediaBlock } from '../chat/blocks.js'
import type { Losses } from '../chat/losses.js'
import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'

/** A request for images, independent of any protocol. */
export interface ImageRequest {
  readonly prompt: string
  /** Images to edit; empty for a new image. */
  readonly images: readonly ImageInput[]
  /** Name of the field with the mask; undefined without one. */
  readonly mask: string | undefined
  /** Number of images: 1 to 10. */
  readonly count: number
  /** Undefined: the model chooses. */
  readonly size: ImageSize | undefined
  readonly background: 'transparent' | 'opaque' | undefined
  /** `png`, `jpeg`, `webp`. */
  readonly format: string | undefined
  /** Quality in percent. */
  readonly compression: number | undefined
  /** The caller wants URLs in place of bytes. */
  readonly wantsUrls: boolean
  /** The caller wants the events of a stream. */
  readonly stream: boolean
  /** Names of further fields that exist in the caller's protocol only. */
  readonly nativeFields: readonly string[]
}

/** An image to edit. */
export interface ImageInput {
  /** Given by URL. */
  readonly isRemote: boolean
  /** Creates the block when needed: it holds the whole image in Base64. */
  block(): MediaBlock
}

/** Size in pixels, or only a ratio. */
export interface ImageSize {
  readonly width: number
  readonly height: number
  readonly isRatio: boolean
}

/** A generated image. */
export interface GeneratedImage {
  readonly mime: string
  /** Base64. */
  readonly data: string
  /** The prompt as the model revised it. */
  readonly prompt?: string | undefined
}

/** At least one generated image. */
export interface ImageAnswer {
  readonly images: readonly GeneratedImage[]
  readonly usage: Usage | undefined
}

/** The error code where a model answers without an image. */
export const NO_IMAGE_CODE = 'no_image'

/** The part of a protocol that generates images with a given model. */
export interface ImageGeneration {
  /** Number of images in one request. */
  readonly maxImages: number
  pathFor(model: string): string
  /** @throws {RelayError} that names the path of what the model cannot do */
  check(request: ImageRequest): void
  writeRequest(request: ImageRequest, options: ImageWriteOptions): string
  /** Returns an error where the answer has no image. */
  readAnswer(body: Buffer): ImageAnswer | UpstreamError
}

export interface ImageWriteOptions {
  /** The model's name at the target. */
  readonly model: string
  /** Number of images in this request. */
  readonly count: number
  readonly losses: Losses
}

import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { countParts, type Usage } from '../../../chat/usage.js'
import { decoded, latin1 } from '../../../lib/json.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type {
  GeneratedImage,
  ImageAnswer,
  ImageGeneration,
  ImageRequest,
  ImageWriteOptions,
} from '../../image-generation.js'
import { isUpstreamError, readBlock, readFinish } from '../answer/finish-reason.js'
import { imageInputOf, readUsage } from '../answer/usage.js'
import { readErrorValue } from '../errors.js'
import { writeMedia } from '../media.js'
import { candidatesOf, partsOf } from '../passthrough.js'
import { pathFor } from '../paths.js'
import { imageFilterError, noImageError, unsupportedParameter } from './image-errors.js'
import { DEFAULT_SIDE, shapeOf } from './image-shape.js'
import { imagen, isImagen } from './imagen.js'

/** Returns how to ask one of Google's models for images. Imagen has its own method; all others use `generateContent`. */
export function imageGenerationFor(model: string): ImageGeneration {
  return isImagen(model) ? imagen : conversation
}

/** Images by `generateContent`, one per request. */
const conversation: ImageGeneration = {
  maxImages: 1,
  pathFor: (model) => pathFor(model, false),
  check({ mask }) {
    if (mask)
      throw unsupportedParameter(mask, 'this model takes no mask. Leave it out, and describe the change in the prompt.')
  },
  writeRequest,
  readAnswer,
}

const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']
const SIDES = [DEFAULT_SIDE, 2048, 4096]
/** Models that make only the default size. */
const ONE_SIZE_MODELS = /^(?:models\/)?gemini-2/

function writeRequest(request: ImageRequest, { model, losses }: ImageWriteOptions): string {
  const { prompt, images, size, background, format, compression } = request
  for (const name of request.nativeFields) losses.noEquivalent(name)
  if (background === 'transparent') losses.noEquivalent('background')
  if (format !== undefined) losses.noEquivalent('output_format')
  if (compression !== undefined) losses.noEquivalent('output_compression')
  const sides = ONE_SIZE_MODELS.test(model) ? [DEFAULT_SIDE] : SIDES
  const shape = size && shapeOf(size, { ratios: RATIOS, sides, losses })
  const imageConfig = shape && { aspectRatio: shape.aspectRatio, imageSize: shape.sizeName }
  return JSON.stringify({
    contents: [{ role: 'user', parts: [...images.map((image) => writeMedia(image.block())), { text: prompt }] }],
    // Some models refuse to make images unless text is allowed too.
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig },
  })
}

function readAnswer(body: Buffer): ImageAnswer | UpstreamError {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  const candidates = candidatesOf(answer)
  const parts = candidates.flatMap(partsOf).filter(isObject)
  const images = parts.flatMap(imageIn)
  if (images.length === 0) return readFailure(body)
  return { images, usage: readImageUsage(answer.usageMetadata) }
}

/** Counts tokens of unknown modality as image tokens, which cost most. */
function readImageUsage(value: unknown): Usage | undefined {
  const usage = readUsage(value)
  if (!usage) return undefined
  const { output, reasoning, imageOutput = output - reasoning } = usage
  return { ...usage, ...countParts({ imageInput: imageInputOf(value), imageOutput }) }
}

/** Reads the image of a part. Skips drafts that the model made while thinking. */
function imageIn({ inlineData, thought }: Readonly<Record<string, unknown>>): GeneratedImage[] {
  if (!isObject(inlineData) || thought === true) return []
  const { data, mimeType } = inlineData
  if (typeof data !== 'string' || data === '') return []
  return [{ mime: typeof mimeType === 'string' ? decoded(mimeType) : 'image/png', data }]
}

/** Reads why an answer has no image. Parses the body again as UTF-8, because people read the error's text. */
function readFailure(body: Buffer): UpstreamError {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  if (answer.error) return readErrorValue(answer.error) ?? invalidAnswer('an error')
  const blocked = isObject(answer.promptFeedback) ? readBlock(answer.promptFeedback) : undefined
  if (blocked) return imageFilterError(blocked.explanation)
  const [candidate] = candidatesOf(answer)
  if (!candidate) return invalidAnswer('an answer without candidates')
  const parts = partsOf(candidate).filter(isObject)
  const texts = parts.flatMap(({ text, thought }) => (typeof text === 'string' && thought !== true ? [text] : []))
  const end = readFinish(candidate, { hasOutput: texts.length > 0, hasCalls: false })
  if (isUpstreamError(end)) return end
  return end.reason === 'filter' ? imageFilterError(end.explanation) : noImageError(texts.join(''))
}

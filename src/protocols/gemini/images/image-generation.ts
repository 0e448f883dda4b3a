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
import { shapeOf } from './image-shape.js'
import { imagen, isImagen } from './imagen.js'

/** How one of Google's models is asked for images: Imagen in a way of its own, all others in a conversation. */
export function imageGenerationFor(model: string): ImageGeneration {
  return isImagen(model) ? imagen : conversation
}

/** `generateContent`: an image a request. */
const conversation: ImageGeneration = {
  maxImages: 1,
  pathFor: (model) => pathFor(model, false),
  check({ mask }) {
    if (mask) throw unsupportedParameter(mask, 'this model takes none: say in the prompt what is to change')
  },
  writeRequest,
  readAnswer,
}

const RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']
const USUAL_SIDE = 1024
/** By their names here. */
const SIDES: ReadonlyMap<number, string> = new Map([
  [USUAL_SIDE, '1K'],
  [2048, '2K'],
  [4096, '4K'],
])
/** Models that draw no other size. */
const ONE_SIZE = /^(?:models\/)?gemini-2/

function writeRequest(request: ImageRequest, { model, losses }: ImageWriteOptions): string {
  const { prompt, images, size, background, format, compression } = request
  for (const name of request.nativeFields) losses.noEquivalent(name)
  if (background === 'transparent') losses.noEquivalent('background')
  if (format !== undefined) losses.noEquivalent('output_format')
  if (compression !== undefined) losses.noEquivalent('output_compression')
  const sides = ONE_SIZE.test(model) ? [USUAL_SIDE] : [...SIDES.keys()]
  const shape = size && shapeOf(size, { ratios: RATIOS, sides, losses })
  const imageSize = shape && shape.side !== USUAL_SIDE ? SIDES.get(shape.side) : undefined
  const imageConfig = shape && { aspectRatio: shape.aspectRatio, imageSize }
  return JSON.stringify({
    contents: [{ role: 'user', parts: [...images.map((image) => writeMedia(image.block())), { text: prompt }] }],
    // Some models refuse to draw where they may not speak as well.
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig },
  })
}

function readAnswer(body: Buffer): ImageAnswer | UpstreamError {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  const candidates = candidatesOf(answer)
  const parts = candidates.flatMap(partsOf).filter(isObject)
  const images = parts.flatMap(imageIn)
  if (images.length === 0) return errorOf(body)
  return { images, usage: readDrawn(answer.usageMetadata) }
}

/** Counts tokens of unknown modality as image tokens, which cost most. */
function readDrawn(value: unknown): Usage | undefined {
  const usage = readUsage(value)
  if (!usage) return undefined
  const { output, reasoning, imageOutput = output - reasoning } = usage
  return { ...usage, ...countParts({ imageInput: imageInputOf(value), imageOutput }) }
}

/** Drafts that were made while thinking are no part of the answer. */
function imageIn({ inlineData, thought }: Readonly<Record<string, unknown>>): GeneratedImage[] {
  if (!isObject(inlineData) || thought === true) return []
  const { data, mimeType } = inlineData
  if (typeof data !== 'string' || data === '') return []
  return [{ mime: typeof mimeType === 'string' ? decoded(mimeType) : 'image/png', data }]
}

/** Why nothing was drawn: parsed again, decoded, because this text will be read by people. */
function errorOf(body: Buffer): UpstreamError {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  if (answer.error) return readErrorValue(answer.error) ?? invalidAnswer('an error')
  const blocked = isObject(answer.promptFeedback) ? readBlock(answer.promptFeedback) : undefined
  if (blocked) return imageFilterError(blocked.explanation)
  const [candidate] = candidatesOf(answer)
  if (!candidate) return invalidAnswer('an answer without candidates')
  const parts = partsOf(candidate).filter(isObject)
  const words = parts.flatMap(({ text, thought }) => (typeof text === 'string' && thought !== true ? [text] : []))
  const end = readFinish(candidate, { hasOutput: words.length > 0, hasCalls: false })
  if (isUpstreamError(end)) return end
  return end.reason === 'filter' ? imageFilterError(end.explanation) : noImageError(words.join(''))
}

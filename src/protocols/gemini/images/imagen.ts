import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { decoded, latin1 } from '../../../lib/json.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type {
  GeneratedImage,
  ImageAnswer,
  ImageGeneration,
  ImageRequest,
  ImageWriteOptions,
} from '../../image-generation.js'
import { readErrorValue } from '../errors.js'
import { resourceOf } from '../paths.js'
import { imageFilterError, unsupportedParameter } from './image-errors.js'
import { DEFAULT_SIDE, shapeOf } from './image-shape.js'

/** Whether a model is Imagen, which makes only images. */
export function isImagen(model: string): boolean {
  return /^(?:models\/)?imagen/.test(model)
}

/** Imagen's images, by `predict`. Its answers have no token usage. */
export const imagen: ImageGeneration = {
  maxImages: 4,
  pathFor: (model) => `/v1beta/${resourceOf(model)}:predict`,
  check({ images }) {
    if (images.length > 0)
      throw unsupportedParameter(
        'image',
        'this model takes no images. Leave them out, or use a model that edits images.',
      )
  },
  writeRequest,
  readAnswer,
}

const RATIOS = ['1:1', '3:4', '4:3', '9:16', '16:9']
const SIDES = [DEFAULT_SIDE, 2048]
/** Models that make only the default size. */
const ONE_SIZE_MODELS = /imagen-[1-3]|imagen-4\.0-fast/
const FORMATS: ReadonlySet<string> = new Set(['png', 'jpeg'])

function writeRequest(request: ImageRequest, { model, count, losses }: ImageWriteOptions): string {
  const { prompt, size, background } = request
  for (const name of request.nativeFields) losses.noEquivalent(name)
  if (background === 'transparent') losses.noEquivalent('background')
  const sides = ONE_SIZE_MODELS.test(model) ? [DEFAULT_SIDE] : SIDES
  const shape = size && shapeOf(size, { ratios: RATIOS, sides, losses })
  return JSON.stringify({
    instances: [{ prompt }],
    parameters: {
      sampleCount: count,
      aspectRatio: shape?.aspectRatio,
      sampleImageSize: shape?.sizeName,
      outputOptions: outputOf(request, losses),
      includeRaiReason: true,
    },
  })
}

/** Writes the output format. Only JPEG takes a compression. */
function outputOf({ format, compression }: ImageRequest, losses: ImageWriteOptions['losses']): object | undefined {
  const isKnown = format !== undefined && FORMATS.has(format)
  if (format !== undefined && !isKnown) losses.noEquivalent('output_format')
  if (compression !== undefined && format !== 'jpeg') losses.noEquivalent('output_compression')
  if (!isKnown) return undefined
  return { mimeType: `image/${format}`, ...(format === 'jpeg' ? { compressionQuality: compression } : {}) }
}

function readAnswer(body: Buffer): ImageAnswer | UpstreamError {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  const predictions = Array.isArray(answer.predictions) ? answer.predictions.filter(isObject) : []
  const images = predictions.flatMap(imageIn)
  return images.length > 0 ? { images, usage: undefined } : readFailure(body)
}

function imageIn({ bytesBase64Encoded: data, mimeType, prompt }: Readonly<Record<string, unknown>>): GeneratedImage[] {
  if (typeof data !== 'string' || data === '') return []
  return [
    {
      mime: typeof mimeType === 'string' ? decoded(mimeType) : 'image/png',
      data,
      prompt: typeof prompt === 'string' ? decoded(prompt) : undefined,
    },
  ]
}

/** Reads why an answer has no image. Filtered images are missing from it, and may have a reason. Decodes UTF-8. */
function readFailure(body: Buffer): UpstreamError {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  if (answer.error) return readErrorValue(answer.error) ?? invalidAnswer('an error')
  const { predictions = [] } = answer
  if (!Array.isArray(predictions) || !predictions.every(isObject)) return invalidAnswer('an answer without predictions')
  const reasons = predictions.map(({ raiFilteredReason }) => textOf(raiFilteredReason))
  return imageFilterError(reasons.find((reason) => reason !== null) ?? undefined)
}

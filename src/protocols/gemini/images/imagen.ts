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
import { shapeOf } from './image-shape.js'

/** Google's models that draw and do not speak. */
export function isImagen(model: string): boolean {
  return /^(?:models\/)?imagen/.test(model)
}

/** Imagen, by `predict`. What it draws it does not count in tokens. */
export const imagen: ImageGeneration = {
  maxImages: 4,
  pathFor: (model) => `/v1beta/${resourceOf(model)}:predict`,
  check({ images }) {
    if (images.length > 0) throw unsupportedParameter('image', 'this model draws from words only')
  },
  writeRequest,
  readAnswer,
}

const RATIOS = ['1:1', '3:4', '4:3', '9:16', '16:9']
const USUAL_SIDE = 1024
/** By their names here. */
const SIDES: ReadonlyMap<number, string> = new Map([
  [USUAL_SIDE, '1K'],
  [2048, '2K'],
])
/** Models that draw no other size. */
const ONE_SIZE = /imagen-[1-3]|imagen-4\.0-fast/
const FORMATS: ReadonlySet<string> = new Set(['png', 'jpeg'])

function writeRequest(request: ImageRequest, { model, count, losses }: ImageWriteOptions): string {
  const { prompt, size, background } = request
  for (const name of request.nativeFields) losses.noEquivalent(name)
  if (background === 'transparent') losses.noEquivalent('background')
  const sides = ONE_SIZE.test(model) ? [USUAL_SIDE] : [...SIDES.keys()]
  const shape = size && shapeOf(size, { ratios: RATIOS, sides, losses })
  return JSON.stringify({
    instances: [{ prompt }],
    parameters: {
      sampleCount: count,
      aspectRatio: shape?.aspectRatio,
      sampleImageSize: shape && shape.side !== USUAL_SIDE ? SIDES.get(shape.side) : undefined,
      outputOptions: outputOf(request, losses),
      includeRaiReason: true,
    },
  })
}

/** Only one of its formats is compressed. */
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
  return images.length > 0 ? { images, usage: undefined } : errorOf(body)
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

/** Why nothing was drawn: parsed again, decoded. What is filtered is missing, with a reason or without. */
function errorOf(body: Buffer): UpstreamError {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return invalidAnswer('an answer that is not JSON')
  if (answer.error) return readErrorValue(answer.error) ?? invalidAnswer('an error')
  const { predictions = [] } = answer
  if (!Array.isArray(predictions) || !predictions.every(isObject)) return invalidAnswer('an answer without predictions')
  const reasons = predictions.map(({ raiFilteredReason }) => textOf(raiFilteredReason))
  return imageFilterError(reasons.find((reason) => reason !== null) ?? undefined)
}

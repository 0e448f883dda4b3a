import type { Losses } from '../../../chat/losses.js'
import type { ImageSize } from '../../image-generation.js'

/** The aspect ratio and size that replace a width and height in pixels. */
export interface ImageShape {
  readonly aspectRatio: string
  /** Google's name of the size. Undefined for the default size. */
  readonly sizeName: string | undefined
}

/** The shapes that a model offers. */
interface SupportedShapes {
  /** Each as `16:9`. */
  readonly ratios: readonly string[]
  /** Pixels on a side of a square image, for each size. */
  readonly sides: readonly number[]
  readonly losses: Losses
}

/** The size of an image if the request names none, in pixels on a side. All models have it. */
export const DEFAULT_SIDE = 1024

/** Google's names of the other sizes, by pixels on a side. */
const SIZE_NAMES: ReadonlyMap<number, string> = new Map([
  [2048, '2K'],
  [4096, '4K'],
])

/** Returns the nearest ratio, and the size with the nearest number of pixels. Records a loss for another shape. */
export function shapeOf({ width, height, isRatio }: ImageSize, { ratios, sides, losses }: SupportedShapes): ImageShape {
  const aspectRatio = nearest(width / height, ratios, ratioOf)
  const side = isRatio ? DEFAULT_SIDE : nearest(Math.sqrt(width * height), sides, Number)
  const isExact = isRatio ? ratioOf(aspectRatio) === width / height : width === side && height === side
  if (!isExact)
    losses.add(
      'size',
      `must be a shape that the model supports. The nearest is ${aspectRatio} with as many pixels as ${side}x${side}`,
    )
  return { aspectRatio, sizeName: SIZE_NAMES.get(side) }
}

function ratioOf(name: string): number {
  const [width = 1, height = 1] = name.split(':').map(Number)
  return width / height
}

/** Compares by factor: half and double are equally far. */
function nearest<Name>(value: number, names: readonly Name[], measure: (name: Name) => number): Name {
  const distance = (name: Name): number => Math.abs(Math.log(measure(name) / value))
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best))
}

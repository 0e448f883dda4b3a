import type { Losses } from '../../../chat/losses.js'
import type { ImageSize } from '../../image-generation.js'

/** The aspect ratio and size that replace a width and height in pixels. */
export interface ImageShape {
  readonly aspectRatio: string
  /** Pixels on a side of a square image of this size. */
  readonly side: number
}

/** The shapes that a model offers. */
interface Choice {
  /** As `16:9`. */
  readonly ratios: readonly string[]
  /** The usual one first. */
  readonly sides: readonly number[]
  readonly losses: Losses
}

/** What is nearest by its ratio, and by how many pixels it has: only of squares it is known how wide they are. */
export function shapeOf({ width, height, isRatio }: ImageSize, { ratios, sides, losses }: Choice): ImageShape {
  const aspectRatio = nearest(width / height, ratios, ratioOf)
  const side = isRatio ? (sides[0] ?? 0) : nearest(Math.sqrt(width * height), sides, Number)
  const isExact = isRatio ? ratioOf(aspectRatio) === width / height : width === side && height === side
  if (!isExact) losses.add('size', `is drawn as ${aspectRatio}, with about as many pixels as ${side}x${side}`)
  return { aspectRatio, side }
}

function ratioOf(name: string): number {
  const [width = 1, height = 1] = name.split(':').map(Number)
  return width / height
}

/** As a factor: half and double are equally far. */
function nearest<Name>(value: number, names: readonly Name[], measure: (name: Name) => number): Name {
  const distance = (name: Name): number => Math.abs(Math.log(measure(name) / value))
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best))
}

import type { Usage } from '../chat/usage.js'
import type { Nanos } from '../stores/ledger.js'
import { NANOS_A_TOKEN } from './pricing.js'

/** Prices by their names in the catalogue, in USD per million or thousand; some change with the length of the input. */
export type PriceTable = Readonly<Record<string, number | Steps | undefined>>

/** A price that changes where the input is longer than `start` tokens. */
export interface Steps {
  readonly base: number
  readonly tiers: readonly { readonly start: number; readonly price: number }[]
}

/** What each kind of token costs, in USD per million; calls and searches in USD per thousand. */
export interface Rates {
  readonly input: number
  readonly cachedInput: number
  readonly cacheWriteInput: number
  readonly cacheWriteLongInput: number
  readonly audioInput: number
  readonly cachedAudioInput: number
  readonly imageInput: number
  readonly output: number
  readonly reasoning: number
  readonly audioOutput: number
  readonly imageOutput: number
  readonly call: number
  readonly webSearch: number
}

/** Where each rate stands in a table. The first that is there counts: what has no price of its own costs as what it is part of. */
const NAMES: Readonly<Record<keyof Rates, readonly string[]>> = {
  input: ['input_mtok'],
  cachedInput: ['cache_read_mtok', 'input_mtok'],
  cacheWriteInput: ['cache_write_mtok', 'input_mtok'],
  cacheWriteLongInput: ['cache_write_1h_mtok', 'cache_write_mtok', 'input_mtok'],
  audioInput: ['input_audio_mtok', 'input_mtok'],
  cachedAudioInput: ['cache_audio_read_mtok', 'cache_read_mtok', 'input_audio_mtok', 'input_mtok'],
  imageInput: ['input_image_mtok', 'input_mtok'],
  output: ['output_mtok'],
  reasoning: ['output_reasoning_mtok', 'output_mtok'],
  audioOutput: ['output_audio_mtok', 'output_mtok'],
  imageOutput: ['output_image_mtok', 'output_mtok'],
  call: ['requests_kcount'],
  webSearch: ['web_searches_kcount'],
}

/** A dollar a thousand is so much a piece. */
const NANOS_A_PIECE = 1_000_000

/** The rates of a table for an input of so many tokens. */
export function ratesOf(table: PriceTable, inputTokens: number): Rates {
  const rate = (names: readonly string[]): number => {
    const name = names.find((each) => table[each] !== undefined)
    return name === undefined ? 0 : priceAt(table[name] ?? 0, inputTokens)
  }
  const rates = Object.entries(NAMES).map(([kind, names]) => [kind, rate(names)])
  return Object.fromEntries(rates) as Record<keyof Rates, number>
}

/** The lengths of input at which a table's prices change, from the longest down. */
export function startsOf(table: PriceTable): readonly number[] {
  const starts = Object.values(table).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  return [...new Set(starts)].sort((a, b) => b - a)
}

function priceAt(price: number | Steps, inputTokens: number): number {
  if (typeof price === 'number') return price
  const reached = price.tiers.filter(({ start }) => inputTokens > start).sort((a, b) => b.start - a.start)
  return reached[0]?.price ?? price.base
}

/** What a usage costs. Each token is counted in one kind only, and none negatively, however badly an upstream counts. */
export function charge(rates: Rates, usage: Usage): Nanos {
  const { input, cachedInput, cacheWriteInput, output, reasoning } = usage
  const { cacheWriteLongInput = 0, audioInput = 0, cachedAudioInput = 0, imageInput = 0 } = usage
  const { audioOutput = 0, imageOutput = 0, webSearches = 0 } = usage
  const audio = Math.max(0, audioInput - cachedAudioInput)
  const plain = Math.max(0, input - cachedInput - cacheWriteInput - audio)
  // Nobody tells how many of those from the cache are of images.
  const image = Math.min(imageInput, plain)
  const tokens =
    (plain - image) * rates.input +
    image * rates.imageInput +
    Math.max(0, cachedInput - cachedAudioInput) * rates.cachedInput +
    Math.max(0, cacheWriteInput - cacheWriteLongInput) * rates.cacheWriteInput +
    cacheWriteLongInput * rates.cacheWriteLongInput +
    audio * rates.audioInput +
    cachedAudioInput * rates.cachedAudioInput +
    Math.max(0, output - reasoning - audioOutput - imageOutput) * rates.output +
    reasoning * rates.reasoning +
    audioOutput * rates.audioOutput +
    imageOutput * rates.imageOutput
  return tokens * NANOS_A_TOKEN + (rates.call + webSearches * rates.webSearch) * NANOS_A_PIECE
}

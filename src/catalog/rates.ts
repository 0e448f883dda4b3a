import type { Usage } from '../chat/usage.js'
import type { Nanos } from '../stores/ledger.js'
import { NANOS_PER_USD_PER_MILLION } from './pricing.js'

/** Prices of a model by their names in the catalogue, in USD per million or per thousand. */
export type PriceTable = Readonly<Record<string, number | TieredPrice | undefined>>

/** A price that depends on the length of the input. */
export interface TieredPrice {
  readonly base: number
  /** A tier applies to inputs longer than `start` tokens. */
  readonly tiers: readonly { readonly start: number; readonly price: number }[]
}

/** The price of each kind of token, in USD per million. `call` and `webSearch` are in USD per thousand. */
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

/**
 * The names of each rate in a table. The first that exists applies: tokens without a price of their own cost as the
 * tokens that they are part of.
 */
const PRICE_NAMES: Readonly<Record<keyof Rates, readonly string[]>> = {
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

/** One USD per thousand is this many nano-dollars for each. */
const NANOS_PER_USD_PER_THOUSAND = 1_000_000

/** Returns the rates for an input of this length. */
export function ratesFor(table: PriceTable, inputTokens: number): Rates {
  const rate = (names: readonly string[]): number => {
    const name = names.find((each) => table[each] !== undefined)
    return name === undefined ? 0 : priceFor(table[name] ?? 0, inputTokens)
  }
  const rates = Object.entries(PRICE_NAMES).map(([kind, names]) => [kind, rate(names)])
  return Object.fromEntries(rates) as Record<keyof Rates, number>
}

/** Returns the input lengths at which a price of the table changes, the longest first. */
export function tierStarts(table: PriceTable): readonly number[] {
  const starts = Object.values(table).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  return [...new Set(starts)].sort((a, b) => b - a)
}

function priceFor(price: number | TieredPrice, inputTokens: number): number {
  if (typeof price === 'number') return price
  const reachedTiers = price.tiers.filter(({ start }) => inputTokens > start).sort((a, b) => b.start - a.start)
  return reachedTiers[0]?.price ?? price.base
}

/**
 * Returns what a usage costs. It counts each token once. No part becomes negative, even if an upstream counts
 * wrongly.
 */
export function costOf(rates: Rates, usage: Usage): Nanos {
  const { input, cachedInput, cacheWriteInput, output, reasoning } = usage
  const { cacheWriteLongInput = 0, audioInput = 0, cachedAudioInput = 0, imageInput = 0 } = usage
  const { audioOutput = 0, imageOutput = 0, webSearches = 0 } = usage
  const uncachedAudio = Math.max(0, audioInput - cachedAudioInput)
  const uncached = Math.max(0, input - cachedInput - cacheWriteInput - uncachedAudio)
  // No provider reports how many cached tokens are of images.
  const uncachedImage = Math.min(imageInput, uncached)
  const microUsd =
    (uncached - uncachedImage) * rates.input +
    uncachedImage * rates.imageInput +
    Math.max(0, cachedInput - cachedAudioInput) * rates.cachedInput +
    Math.max(0, cacheWriteInput - cacheWriteLongInput) * rates.cacheWriteInput +
    cacheWriteLongInput * rates.cacheWriteLongInput +
    uncachedAudio * rates.audioInput +
    cachedAudioInput * rates.cachedAudioInput +
    Math.max(0, output - reasoning - audioOutput - imageOutput) * rates.output +
    reasoning * rates.reasoning +
    audioOutput * rates.audioOutput +
    imageOutput * rates.imageOutput
  return (
    microUsd * NANOS_PER_USD_PER_MILLION + (rates.call + webSearches * rates.webSearch) * NANOS_PER_USD_PER_THOUSAND
  )
}

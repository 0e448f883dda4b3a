import type { Usage } from '../../src/chat/usage.js'
import { countParts } from '../../src/chat/usage.js'

/** Random usages whose parts never exceed their whole, with input lengths around the tiers of prices. */
export function randomUsages(random: () => number, count: number): readonly Usage[] {
  return Array.from({ length: count }, () => randomUsage(random))
}

const INPUT_LENGTHS = [0, 1000, 128_001, 199_999, 200_000, 200_001, 271_999, 272_000, 272_001, 512_001, 900_000]

function randomUsage(random: () => number): Usage {
  const upTo = (max: number): number => Math.floor(random() * (max + 1))
  const input = INPUT_LENGTHS[upTo(INPUT_LENGTHS.length - 1)] ?? upTo(1000)
  const cacheWriteInput = random() < 0.5 ? 0 : upTo(input)
  const cachedInput = random() < 0.3 ? 0 : upTo(input - cacheWriteInput)
  const cachedAudioInput = random() < 0.5 ? 0 : upTo(cachedInput)
  const output = upTo(100_000)
  const reasoning = upTo(output)
  const audioOutput = random() < 0.5 ? 0 : upTo(output - reasoning)
  const plainInput = input - cacheWriteInput - cachedInput
  const plainAudioInput = upTo(plainInput)
  return {
    input,
    cachedInput,
    cacheWriteInput,
    output,
    reasoning,
    ...countParts({
      cachedAudioInput,
      audioInput: cachedAudioInput + plainAudioInput,
      imageInput: random() < 0.5 ? 0 : upTo(plainInput - plainAudioInput),
      cacheWriteLongInput: random() < 0.5 ? 0 : upTo(cacheWriteInput),
      audioOutput,
      imageOutput: random() < 0.5 ? 0 : upTo(output - reasoning - audioOutput),
      webSearches: upTo(3),
    }),
  }
}

/** The same usage with the field names of the catalogue's package. */
export function packageUsage(usage: Usage): Record<string, number> {
  return {
    input_tokens: usage.input,
    cache_read_tokens: usage.cachedInput,
    cache_write_tokens: usage.cacheWriteInput,
    cache_write_1h_tokens: usage.cacheWriteLongInput ?? 0,
    input_audio_tokens: usage.audioInput ?? 0,
    input_image_tokens: usage.imageInput ?? 0,
    cache_image_read_tokens: 0,
    cache_audio_read_tokens: usage.cachedAudioInput ?? 0,
    output_tokens: usage.output,
    output_reasoning_tokens: usage.reasoning,
    output_audio_tokens: usage.audioOutput ?? 0,
    output_image_tokens: usage.imageOutput ?? 0,
    web_searches: usage.webSearches ?? 0,
  }
}

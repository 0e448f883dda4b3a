import { count, countParts, type Usage } from '../../chat/usage.js'
import { isObject } from '../../lib/values.js'

/** Reads `usage` of an answer or a transcript; undefined where it counts no tokens, as a transcript billed by its length. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value) || value.input_tokens === undefined) return undefined
  const read = detailsOf(value, 'input_token_details')
  const written = detailsOf(value, 'output_token_details')
  return {
    input: count(value.input_tokens),
    cachedInput: count(read.cached_tokens),
    cacheWriteInput: 0,
    output: count(value.output_tokens),
    reasoning: count(written.reasoning_tokens),
    ...countParts({
      audioInput: read.audio_tokens,
      cachedAudioInput: detailsOf(read, 'cached_tokens_details').audio_tokens,
      audioOutput: written.audio_tokens,
    }),
  }
}

function detailsOf(of: Record<string, unknown>, name: string): Record<string, unknown> {
  const details = of[name]
  return isObject(details) ? details : {}
}

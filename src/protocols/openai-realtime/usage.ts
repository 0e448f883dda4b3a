import { count, countParts, type Usage } from '../../chat/usage.js'
import { isObject } from '../../lib/values.js'

/** Reads `usage` of an answer or a transcript. Undefined without tokens, such as for a transcript billed by its length. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value) || value.input_tokens === undefined) return undefined
  const inputDetails = detailsOf(value, 'input_token_details')
  const outputDetails = detailsOf(value, 'output_token_details')
  return {
    input: count(value.input_tokens),
    cachedInput: count(inputDetails.cached_tokens),
    cacheWriteInput: 0,
    output: count(value.output_tokens),
    reasoning: count(outputDetails.reasoning_tokens),
    ...countParts({
      audioInput: inputDetails.audio_tokens,
      cachedAudioInput: detailsOf(inputDetails, 'cached_tokens_details').audio_tokens,
      audioOutput: outputDetails.audio_tokens,
    }),
  }
}

function detailsOf(usage: Record<string, unknown>, name: string): Record<string, unknown> {
  const details = usage[name]
  return isObject(details) ? details : {}
}

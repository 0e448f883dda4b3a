import { count, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/**
 * Reads `usage`; undefined without one. OpenAI counts reasoning within the output tokens. Some upstreams count it apart,
 * which shows in their total: the relay then adds it to the output.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const input = count(value.input_tokens)
  const output = count(value.output_tokens)
  const reasoning = count(detailOf(value.output_tokens_details, 'reasoning_tokens'))
  const isCountedApart = reasoning > 0 && count(value.total_tokens) === input + output + reasoning
  return {
    input,
    cachedInput: count(detailOf(value.input_tokens_details, 'cached_tokens')),
    cacheWriteInput: count(detailOf(value.input_tokens_details, 'cache_write_tokens')),
    output: isCountedApart ? output + reasoning : output,
    reasoning,
  }
}

/** Writes `usage`. The details are parts of input and output tokens. */
export function writeUsage({ input, cachedInput, cacheWriteInput, output, reasoning }: Usage): object {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cachedInput, cache_write_tokens: cacheWriteInput },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

function detailOf(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

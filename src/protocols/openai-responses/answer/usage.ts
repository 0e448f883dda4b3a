import { count, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/**
 * Reads `usage`. Reasoning tokens are part of the output's by OpenAI's rule; an upstream whose total only adds up when
 * they are added once more is read by its own.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const input = count(value.input_tokens)
  const output = count(value.output_tokens)
  const reasoning = count(detail(value.output_tokens_details, 'reasoning_tokens'))
  const added = reasoning > 0 && count(value.total_tokens) === input + output + reasoning
  return {
    input,
    cachedInput: count(detail(value.input_tokens_details, 'cached_tokens')),
    cacheWriteInput: count(detail(value.input_tokens_details, 'cache_write_tokens')),
    output: added ? output + reasoning : output,
    reasoning,
  }
}

/** As the language counts: cached tokens within the input, reasoning within the output. */
export function writeUsage({ input, cachedInput, cacheWriteInput, output, reasoning }: Usage): object {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cachedInput, cache_write_tokens: cacheWriteInput },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

function detail(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

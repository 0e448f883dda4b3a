import { count, type Usage } from '../../chat/usage.js'
import { isObject } from '../../lib/values.js'

/**
 * Reads `usage`. Reasoning tokens are part of the completion's by OpenAI's rule; an upstream whose total only adds up
 * when they are added once more (xAI) is read by its own. The cache is told by OpenAI's names, DeepSeek's and Moonshot's.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const input = count(value.prompt_tokens)
  const completion = count(value.completion_tokens)
  const reasoning = count(detail(value.completion_tokens_details, 'reasoning_tokens'))
  const added = reasoning > 0 && count(value.total_tokens) === input + completion + reasoning
  const { prompt_tokens_details: details } = value
  return {
    input,
    cachedInput: count(detail(details, 'cached_tokens') ?? value.prompt_cache_hit_tokens ?? value.cached_tokens),
    cacheWriteInput: count(detail(details, 'cache_write_tokens')),
    output: added ? completion + reasoning : completion,
    reasoning,
  }
}

/** The usage of an answer or chunk, in any of the places where vendors put it. */
export function findUsage(chunk: Record<string, unknown>): Usage | undefined {
  if (chunk.usage) return readUsage(chunk.usage)
  if (isObject(chunk.x_groq) && chunk.x_groq.usage) return readUsage(chunk.x_groq.usage)
  const first: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined
  return isObject(first) && first.usage ? readUsage(first.usage) : undefined
}

/** `usage`: prompt and completion hold all that their details tell apart. */
export function writeUsage({ input, cachedInput, cacheWriteInput, output, reasoning }: Usage): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cachedInput, cache_write_tokens: cacheWriteInput, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function detail(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

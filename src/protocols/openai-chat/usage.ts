import { count, countParts, type Usage } from '../../chat/usage.js'
import { isObject } from '../../lib/values.js'

/**
 * Reads `usage`. Reasoning tokens are part of the completion's by OpenAI's rule; an upstream whose total only adds up
 * when they are added once more (xAI) is read by its own. The cache is told by OpenAI's names, DeepSeek's and Moonshot's.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const { prompt_tokens_details: details, completion_tokens_details: written } = value
  const input = count(value.prompt_tokens)
  const completion = count(value.completion_tokens)
  const reasoning = count(detail(written, 'reasoning_tokens'))
  const added = reasoning > 0 && count(value.total_tokens) === input + completion + reasoning
  return {
    input,
    cachedInput: count(detail(details, 'cached_tokens') ?? value.prompt_cache_hit_tokens ?? value.cached_tokens),
    cacheWriteInput: count(detail(details, 'cache_write_tokens')),
    output: added ? completion + reasoning : completion,
    reasoning,
    ...countParts({
      audioInput: detail(details, 'audio_tokens'),
      audioOutput: detail(written, 'audio_tokens'),
      // OpenRouter's word; OpenAI's chat writes no images.
      imageOutput: detail(written, 'image_tokens'),
    }),
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
export function writeUsage(usage: Usage): object {
  const { input, cachedInput, cacheWriteInput, output, reasoning, audioInput = 0, audioOutput = 0 } = usage
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: {
      cached_tokens: cachedInput,
      cache_write_tokens: cacheWriteInput,
      audio_tokens: audioInput,
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: audioOutput,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function detail(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

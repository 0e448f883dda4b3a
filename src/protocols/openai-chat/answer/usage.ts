import { count, countParts, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/**
 * Reads `usage`. OpenAI counts reasoning within `completion_tokens`. xAI counts it separately, which shows in the total.
 * Cached input has different names at OpenAI, DeepSeek and Moonshot.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const { prompt_tokens_details: inputDetails, completion_tokens_details: outputDetails } = value
  const input = count(value.prompt_tokens)
  const completion = count(value.completion_tokens)
  const reasoning = count(detailOf(outputDetails, 'reasoning_tokens'))
  const isReasoningExtra = reasoning > 0 && count(value.total_tokens) === input + completion + reasoning
  return {
    input,
    cachedInput: count(detailOf(inputDetails, 'cached_tokens') ?? value.prompt_cache_hit_tokens ?? value.cached_tokens),
    cacheWriteInput: count(detailOf(inputDetails, 'cache_write_tokens')),
    output: isReasoningExtra ? completion + reasoning : completion,
    reasoning,
    ...countParts({
      audioInput: detailOf(inputDetails, 'audio_tokens'),
      audioOutput: detailOf(outputDetails, 'audio_tokens'),
      // Only OpenRouter has this field, because OpenAI's chat models generate no images.
      imageOutput: detailOf(outputDetails, 'image_tokens'),
    }),
  }
}

/** Finds the usage of an answer or chunk: at the top, in Groq's `x_groq`, or in the first choice. */
export function findUsage(chunk: Record<string, unknown>): Usage | undefined {
  if (chunk.usage) return readUsage(chunk.usage)
  if (isObject(chunk.x_groq) && chunk.x_groq.usage) return readUsage(chunk.x_groq.usage)
  const first: unknown = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined
  return isObject(first) && first.usage ? readUsage(first.usage) : undefined
}

/** Writes `usage`. The details are parts of prompt and completion tokens. */
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

function detailOf(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

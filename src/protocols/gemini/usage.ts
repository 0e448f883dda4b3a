import { count, type Usage } from '../../chat/usage.js'
import { isObject } from '../../lib/values.js'

/** Reads `usageMetadata`: what tools brought in is read by the model too, and thoughts stand beside the answer. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const reasoning = count(value.thoughtsTokenCount)
  return {
    input: count(value.promptTokenCount) + count(value.toolUsePromptTokenCount),
    cachedInput: count(value.cachedContentTokenCount),
    cacheWriteInput: 0,
    output: count(value.candidatesTokenCount) + reasoning,
    reasoning,
  }
}

/** Writes `usageMetadata`. */
export function writeUsage({ input, cachedInput, output, reasoning }: Usage): Record<string, number> {
  return {
    promptTokenCount: input,
    ...(cachedInput > 0 ? { cachedContentTokenCount: cachedInput } : {}),
    candidatesTokenCount: Math.max(0, output - reasoning),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
    totalTokenCount: input + output,
  }
}

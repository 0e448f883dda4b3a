import type { Usage } from '../../call.js'
import { isObject } from '../../lib/values.js'

/**
 * Reads `usage`. Reasoning tokens are part of the completion's by OpenAI's rule; an upstream whose total only adds up
 * when they are added once more (xAI) is read by its own.
 */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const input = count(value.prompt_tokens)
  const completion = count(value.completion_tokens)
  const reasoning = count(detail(value.completion_tokens_details, 'reasoning_tokens'))
  const added = reasoning > 0 && count(value.total_tokens) === input + completion + reasoning
  return {
    input,
    cachedInput: count(detail(value.prompt_tokens_details, 'cached_tokens')),
    output: added ? completion + reasoning : completion,
    reasoning,
  }
}

function detail(details: unknown, name: string): unknown {
  return isObject(details) ? details[name] : undefined
}

function count(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

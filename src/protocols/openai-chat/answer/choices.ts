import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { isObject } from '../../../lib/values.js'
import { readErrorValue } from '../errors.js'

/** The choices of an answer or chunk. Skips those that are not objects. */
export function readChoices(answer: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(answer.choices) ? answer.choices.filter(isObject) : []
}

/** Values of `finish_reason` for a failed generation, at OpenRouter and DeepSeek. */
const FAILURE_REASONS: readonly unknown[] = ['error', 'insufficient_system_resource']

/** The error of a choice whose generation failed at the model or its provider. Undefined for any other choice. */
export function choiceError(choice: Record<string, unknown>): UpstreamError | undefined {
  if (choice.error) return readErrorValue(choice.error) ?? MODEL_FAILED
  return FAILURE_REASONS.includes(choice.finish_reason) || choice.native_finish_reason === 'error'
    ? MODEL_FAILED
    : undefined
}

const MODEL_FAILED = invalidAnswer('an answer that the model broke off')

/** The content of a choice: its delta, its message, or the text of a completion. Some upstreams stream whole messages. */
export function messageOf(choice: Record<string, unknown>): Record<string, unknown> | undefined {
  if (isObject(choice.delta)) return choice.delta
  if (isObject(choice.message)) return choice.message
  return typeof choice.text === 'string' ? { content: choice.text } : undefined
}

/** Whether the model refused, or a filter stopped the choice. In a stream, a delta of a refusal is enough. */
export function isRefusal(choice: Record<string, unknown>): boolean {
  const refusal = messageOf(choice)?.refusal
  return choice.finish_reason === 'content_filter' || (typeof refusal === 'string' && refusal !== '')
}

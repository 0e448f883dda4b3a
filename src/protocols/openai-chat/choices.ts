import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import { isObject } from '../../lib/values.js'
import { readErrorValue } from './errors.js'

/** The choices of an answer or of a stream's chunk. */
export function readChoices(answer: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(answer.choices) ? answer.choices.filter(isObject) : []
}

/** Words for an answer that its model did not end: OpenRouter's and DeepSeek's. */
const BROKEN: readonly unknown[] = ['error', 'insufficient_system_resource']

/** What a choice comes to whose model, or the model's own provider, failed; undefined for any other. */
export function brokenOff(choice: Record<string, unknown>): UpstreamError | undefined {
  if (choice.error) return readErrorValue(choice.error) ?? BROKEN_OFF
  return BROKEN.includes(choice.finish_reason) || choice.native_finish_reason === 'error' ? BROKEN_OFF : undefined
}

const BROKEN_OFF = invalidAnswer('an answer that the model broke off')

/** What a choice says: as a message, as a delta, or, in completions, as text alone. Some stream whole messages. */
export function messageOf(choice: Record<string, unknown>): Record<string, unknown> | undefined {
  if (isObject(choice.delta)) return choice.delta
  if (isObject(choice.message)) return choice.message
  return typeof choice.text === 'string' ? { content: choice.text } : undefined
}

/** Whether a choice was refused or filtered, or is being: in the model's own words, or without any. */
export function isRefusal(choice: Record<string, unknown>): boolean {
  const refusal = messageOf(choice)?.refusal
  return choice.finish_reason === 'content_filter' || (typeof refusal === 'string' && refusal !== '')
}

import { isObject } from '../../lib/values.js'
import type { Fault } from '../protocol.js'
import { invalid } from './errors.js'

/** The choices of an answer or of a stream's chunk. */
export function choicesOf(answer: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(answer.choices) ? answer.choices.filter(isObject) : []
}

/** OpenRouter's way to say that the model's own provider failed. */
export function isBrokenOff(choice: Record<string, unknown>): boolean {
  return choice.finish_reason === 'error' || choice.native_finish_reason === 'error'
}

/** What such a choice comes to. */
export const brokenOff: Fault = invalid('an answer that its model broke off')

import type { Usage } from '../../call.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Ending, Fault, Sign } from '../protocol.js'
import { brokenOff, choicesOf, isBrokenOff } from './choices.js'
import { invalid, readErrorValue } from './errors.js'
import { readUsage } from './usage.js'

const DONE = '[DONE]'

/** What one record is to the commit point. A chunk that only names the role is not yet an answer. */
export function readSign({ data }: SseRecord): Sign {
  if (data.trim() === DONE) return 'output'
  const chunk = parseJson(data)
  if (!isObject(chunk)) return invalid('a stream record that is not JSON')
  const fault = readErrorValue(chunk.error)
  if (fault) return fault
  let sign: Sign = 'preamble'
  for (const choice of choicesOf(chunk)) {
    if (isBrokenOff(choice)) return brokenOff
    if (hasOutput(choice)) sign = 'output'
  }
  return sign
}

/** What the last records of a stream tell. A stream without `[DONE]` is complete if it gave a finish reason. */
export function readEnding(records: readonly SseRecord[]): Ending {
  let complete = false
  let usage: Usage | undefined
  let fault: Fault | undefined
  for (const { data } of records) {
    if (data.trim() === DONE) {
      complete = true
      break
    }
    const chunk = parseJson(data)
    if (!isObject(chunk)) continue
    usage = readUsage(chunk.usage) ?? usage
    fault = readErrorValue(chunk.error) ?? fault
    for (const choice of choicesOf(chunk)) {
      if (isBrokenOff(choice)) fault = brokenOff
      else if (choice.finish_reason) complete = true
    }
  }
  return { complete: complete && !fault, usage, fault }
}

function hasOutput(choice: Record<string, unknown>): boolean {
  if (choice.finish_reason) return true
  if (typeof choice.text === 'string' && choice.text !== '') return true
  if (!isObject(choice.delta)) return false
  for (const [name, value] of Object.entries(choice.delta)) {
    if (name !== 'role' && isFilled(value)) return true
  }
  return false
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return isObject(value)
}

import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { RecordClass, StreamEnding } from '../passthrough.js'
import { brokenOff, isRefusal, readChoices } from './choices.js'
import { faultIn } from './errors.js'
import { findUsage } from './usage.js'

/** The mark of the end. */
export function isDone(data: string): boolean {
  return data.length < 32 && data.trim() === '[DONE]'
}

/** What some gateways send to keep a connection alive, where a comment should be. */
export function isKeepAlive(data: string): boolean {
  return data.length < 64 && /^\s*(?::|$)/.test(data)
}

/** What one record is to the commit point. A chunk that only names the role is not yet an answer. */
export function readSign({ data, event }: SseRecord): RecordClass {
  if (isDone(data)) return 'output'
  if (isKeepAlive(data)) return 'preamble'
  const chunk = parseJson(data)
  if (!isObject(chunk)) return invalidAnswer('a stream record that is not JSON')
  const upstreamError = faultIn(chunk, event)
  if (upstreamError) return upstreamError
  let sign: RecordClass = 'preamble'
  for (const choice of readChoices(chunk)) {
    const broken = brokenOff(choice)
    if (broken) return broken
    if (hasOutput(choice)) sign = 'output'
  }
  return sign
}

/** What the last records of a stream tell. A stream without `[DONE]` is complete if each choice in them has finished. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  const finished = new Map<unknown, boolean>()
  let usage: Usage | undefined
  let upstreamError: UpstreamError | undefined
  let refused = false
  for (const { data, event } of records) {
    if (isDone(data)) return { complete: !upstreamError, usage, upstreamError, refused }
    const chunk = parseJson(data)
    if (!isObject(chunk)) continue
    usage = findUsage(chunk) ?? usage
    upstreamError = faultIn(chunk, event) ?? upstreamError
    for (const choice of readChoices(chunk)) {
      upstreamError = brokenOff(choice) ?? upstreamError
      refused ||= isRefusal(choice)
      if (choice.finish_reason || !finished.has(choice.index)) finished.set(choice.index, !!choice.finish_reason)
    }
  }
  const complete = finished.size > 0 && [...finished.values()].every(Boolean)
  return { complete: complete && !upstreamError, usage, upstreamError, refused }
}

function hasOutput(choice: Record<string, unknown>): boolean {
  if (choice.finish_reason) return true
  if (typeof choice.text === 'string' && choice.text !== '') return true
  if (!isObject(choice.delta)) return false
  for (const [name, value] of Object.entries(choice.delta)) {
    if (name !== 'role' && isNonEmptyList(value)) return true
  }
  return false
}

function isNonEmptyList(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return isObject(value)
}

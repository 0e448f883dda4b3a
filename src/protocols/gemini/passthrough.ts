import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { RecordClass, StreamEnding } from '../passthrough.js'
import { isUpstreamError, readBlock, readFinish } from './answer/finish-reason.js'
import { readUsage } from './answer/usage.js'
import { readErrorValue } from './errors.js'

type Fields = Readonly<Record<string, unknown>>

/** What one record is to the commit point. A fragment without content is not yet an answer. */
export function classifyRecord({ data }: SseRecord): RecordClass {
  if (data === '[DONE]') return 'preamble'
  const value = parseJson(data)
  const fragment: unknown = Array.isArray(value) ? value[0] : value
  if (!isObject(fragment)) return invalidAnswer('a stream record that is not JSON')
  const upstreamError = fragment.error ? readErrorValue(fragment.error) : undefined
  if (upstreamError) return upstreamError
  if (isObject(fragment.promptFeedback) && readBlock(fragment.promptFeedback)) return 'output'
  let sign: RecordClass = 'preamble'
  for (const candidate of candidatesOf(fragment)) {
    const has = hasOutput(candidate)
    const end = candidate.finishReason ? readFinish(candidate, { hasOutput: true, hasCalls: false }) : undefined
    if (end && isUpstreamError(end) && !has) return end
    if (has || end) sign = 'output'
  }
  return sign
}

/** What the last records of a stream tell. The finish reasons of all candidates in them are all that marks its end. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  const finished = new Map<unknown, boolean>()
  let blocked = false
  let usage: Usage | undefined
  let upstreamError: StreamEnding['upstreamError']
  let refused = false
  for (const { data } of records) {
    const value = parseJson(data)
    const fragment: unknown = Array.isArray(value) ? value[0] : value
    if (!isObject(fragment)) continue
    usage = readUsage(fragment.usageMetadata) ?? usage
    if (fragment.error) upstreamError = readErrorValue(fragment.error) ?? upstreamError
    if (isObject(fragment.promptFeedback) && readBlock(fragment.promptFeedback)) blocked = true
    for (const candidate of candidatesOf(fragment)) {
      const end = candidate.finishReason ? readFinish(candidate, { hasOutput: true, hasCalls: false }) : undefined
      if (end && isUpstreamError(end)) upstreamError = end
      else refused ||= end?.reason === 'filter'
      const { index = 0 } = candidate
      if (end || !finished.has(index)) finished.set(index, end !== undefined)
    }
  }
  const complete = blocked || (finished.size > 0 && [...finished.values()].every(Boolean))
  return { complete: complete && !upstreamError, usage, upstreamError, refused: refused || blocked }
}

/** The candidates of a fragment. */
export function candidatesOf({ candidates }: Fields): Record<string, unknown>[] {
  return Array.isArray(candidates) ? candidates.filter(isObject) : []
}

/** What a candidate says in a fragment. */
export function partsOf({ content }: Fields): readonly unknown[] {
  return isObject(content) && Array.isArray(content.parts) ? content.parts : []
}

function hasOutput(candidate: Fields): boolean {
  return partsOf(candidate).some(
    (part) => isObject(part) && Object.entries(part).some(([name, value]) => name !== 'thought' && value !== ''),
  )
}

import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readChoiceCount } from '../body.js'
import type { RecordClass, StreamEnding } from '../passthrough.js'
import type { PathFacts, RequestFacts } from '../request-facts.js'
import { isUpstreamError, readBlock, readFinish } from './answer/finish-reason.js'
import { readUsage } from './answer/usage.js'
import { readErrorValue } from './errors.js'
import { getField } from './field-names.js'
import { modelOf } from './paths.js'

type Fields = Readonly<Record<string, unknown>>

/** Reads as much of a request as routing needs. The path names the model and says whether to stream. @throws {RelayError} */
export function readFacts(body: Buffer, { id, stream = false, query }: PathFacts): RequestFacts {
  const root = parseBody(latin1(body))
  const whole = getField(root, 'generateContentRequest')
  const request = whole.given ? whole : root
  const contents = request.get('contents')
  if (typeof contents.value !== 'string') {
    if (Array.isArray(contents.value)) contents.nonEmptyList()
    else contents.object()
  }
  const model = modelOf(id)
  if (model === '') throw new RelayError('missing_parameter', 'The path names no model.', { param: 'model' })
  const tools = getField(request, 'tools').value
  const config = getField(request, 'generationConfig')
  return {
    model,
    modelSpan: undefined,
    stream,
    usesOwnFraming: stream && !/(?:^|&)(?:%24|\$)?alt=sse(?:&|$)/i.test(query),
    maxOutputTokens: nonNegative(getField(config, 'maxOutputTokens').value),
    choices: readChoiceCount(getField(config, 'candidateCount').value),
    temperature: nonNegative(config.get('temperature').value),
    usesTools: isNonEmptyList(tools) || isObject(tools),
  }
}

/** Classifies a stream's record before the commit point. A fragment without content is not output. */
export function classifyRecord({ data }: SseRecord): RecordClass {
  if (data === '[DONE]') return 'prelude'
  const value = parseJson(data)
  const fragment: unknown = Array.isArray(value) ? value[0] : value
  if (!isObject(fragment)) return invalidAnswer('a stream record that is not JSON')
  const upstreamError = fragment.error ? readErrorValue(fragment.error) : undefined
  if (upstreamError) return upstreamError
  if (isObject(fragment.promptFeedback) && readBlock(fragment.promptFeedback)) return 'output'
  let recordClass: RecordClass = 'prelude'
  for (const candidate of candidatesOf(fragment)) {
    const has = hasOutput(candidate)
    const end = candidate.finishReason ? readFinish(candidate, { hasOutput: true, hasCalls: false }) : undefined
    if (end && isUpstreamError(end) && !has) return end
    if (has || end) recordClass = 'output'
  }
  return recordClass
}

/** Reads how a stream ended. It is complete when every candidate in these records has a finish reason. */
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

/** Returns the candidates of a fragment. */
export function candidatesOf({ candidates }: Fields): Record<string, unknown>[] {
  return Array.isArray(candidates) ? candidates.filter(isObject) : []
}

/** Returns the parts of a candidate in a fragment. */
export function partsOf({ content }: Fields): readonly unknown[] {
  return isObject(content) && Array.isArray(content.parts) ? content.parts : []
}

function hasOutput(candidate: Fields): boolean {
  return partsOf(candidate).some(
    (part) => isObject(part) && Object.entries(part).some(([name, value]) => name !== 'thought' && value !== ''),
  )
}

/** Counts the characters of output in one fragment. */
export function readOutputLength({ data }: SseRecord): number {
  const value = parseJson(data)
  const fragment: unknown = Array.isArray(value) ? value[0] : value
  if (!isObject(fragment)) return 0
  const parts = candidatesOf(fragment).flatMap(partsOf).filter(isObject)
  return parts.reduce((length, part) => length + lengthOf(part), 0)
}

function lengthOf({ text, functionCall: call, executableCode }: Fields): number {
  if (typeof text === 'string') return text.length
  if (isObject(executableCode)) return typeof executableCode.code === 'string' ? executableCode.code.length : 0
  if (!isObject(call)) return 0
  return JSON.stringify(call.args ?? call.partialArgs ?? '').length
}

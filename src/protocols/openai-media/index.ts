import { invalidAnswer } from '../../chat/upstream-error.js'
import { count, countParts, type Usage } from '../../chat/usage.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { faultIn } from '../openai-chat/errors.js'
import { openaiChat } from '../openai-chat/index.js'
import type { AnswerFacts, RecordClass, StreamEnding } from '../passthrough.js'
import type { Protocol } from '../protocol.js'
import { resultError } from '../result-errors.js'

/** OpenAI's images, sound, moderations, and what others have put beside them: answers are passed on, and read for their usage. */
export const openaiMedia: Protocol = {
  ...openaiChat,
  readAnswerFacts,
  classifyRecord: readSign,
  readEnding,
  readOutputLength: () => 0,
}

/** A record of this kind is the last. */
const LAST = /\.(?:completed|done)$/

/** Not every answer is JSON: sound, subtitles and plain text are what they are. */
function readAnswerFacts(body: Buffer): AnswerFacts {
  if (!/^\s*\{/.test(body.toString('latin1', 0, 64))) {
    return body.length === 0 ? { upstreamError: invalidAnswer('an empty answer') } : {}
  }
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return {}
  if (!answer.error && !resultError(answer)) return { usage: readUsage(answer) }
  const decoded = parseJson(body.toString())
  return { upstreamError: (isObject(decoded) ? faultIn(decoded) : undefined) ?? invalidAnswer('an error') }
}

/** In tokens by either of OpenAI's names; undefined where something else is counted, or nothing. */
function readUsage({ usage, meta }: Readonly<Record<string, unknown>>): Usage | undefined {
  if (isObject(usage)) {
    const input = count(usage.input_tokens ?? usage.prompt_tokens)
    const output = count(usage.output_tokens ?? usage.completion_tokens)
    const total = count(usage.total_tokens)
    if (input + output + total === 0) return undefined
    const { input_tokens_details: read, output_tokens_details: written } = usage
    const { audio_tokens: audioInput, image_tokens: imageInput } = isObject(read) ? read : {}
    const imageOutput = isObject(written) ? written.image_tokens : undefined
    return {
      input: input + output === 0 ? total : input,
      cachedInput: 0,
      cacheWriteInput: 0,
      output,
      reasoning: 0,
      ...countParts({ audioInput, imageInput, imageOutput }),
    }
  }
  const tokens = isObject(meta) && isObject(meta.tokens) ? meta.tokens : undefined
  if (!tokens) return undefined
  const { input_tokens: input, output_tokens: output } = tokens
  return { input: count(input), cachedInput: 0, cacheWriteInput: 0, output: count(output), reasoning: 0 }
}

function readSign({ data, event }: SseRecord): RecordClass {
  if (data.trim() === '') return 'preamble'
  const record = parseJson(data)
  if (!isObject(record)) return data.trim() === '[DONE]' ? 'output' : invalidAnswer('a stream record that is not JSON')
  return faultIn(record, event) ?? 'output'
}

function readEnding(records: readonly SseRecord[]): StreamEnding {
  let usage: Usage | undefined
  let complete = false
  for (const { data, event } of records) {
    const record = parseJson(data)
    if (!isObject(record)) {
      complete ||= data.trim() === '[DONE]'
      continue
    }
    const upstreamError = faultIn(record, event)
    if (upstreamError) return { complete: false, usage, upstreamError }
    usage = readUsage(record) ?? usage
    complete ||= LAST.test(String(record.type ?? event ?? ''))
  }
  return { complete, usage }
}

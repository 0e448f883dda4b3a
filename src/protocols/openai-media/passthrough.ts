import { invalidAnswer } from '../../chat/upstream-error.js'
import { count, countParts, type Usage } from '../../chat/usage.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { findError } from '../openai-chat/errors.js'
import type { AnswerFacts, RecordClass, StreamEnding } from '../passthrough.js'
import { resultError } from '../result-errors.js'

/** Reads usage and errors of a whole answer. Audio, subtitles and plain text have neither. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  if (!/^\s*\{/.test(body.toString('latin1', 0, 64))) {
    return body.length === 0 ? { upstreamError: invalidAnswer('an empty answer') } : {}
  }
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return {}
  if (!answer.error && !resultError(answer)) return { usage: readUsage(answer) }
  // Parses the body again as UTF-8, because people read the message.
  const decoded = parseJson(body.toString())
  return { upstreamError: (isObject(decoded) ? findError(decoded) : undefined) ?? invalidAnswer('an error') }
}

/** Classifies a stream's record before the commit point. Every JSON object without an error is output. */
export function classifyRecord({ data, event }: SseRecord): RecordClass {
  if (data.trim() === '') return 'prelude'
  const record = parseJson(data)
  if (!isObject(record)) return data.trim() === '[DONE]' ? 'output' : invalidAnswer('a stream record that is not JSON')
  return findError(record, event) ?? 'output'
}

/** The type of a stream's last event, such as `image_generation.completed` or `transcript.text.done`. */
const FINAL_TYPE = /\.(?:completed|done)$/

/** Reads how a stream ended, from its last records. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  let usage: Usage | undefined
  let complete = false
  for (const { data, event } of records) {
    const record = parseJson(data)
    if (!isObject(record)) {
      complete ||= data.trim() === '[DONE]'
      continue
    }
    const upstreamError = findError(record, event)
    if (upstreamError) return { complete: false, usage, upstreamError }
    usage = readUsage(record) ?? usage
    complete ||= FINAL_TYPE.test(String(record.type ?? event ?? ''))
  }
  return { complete, usage }
}

/** Reads tokens under either of OpenAI's names, or Cohere's. Undefined where the answer counts no tokens. */
function readUsage({ usage, meta }: Readonly<Record<string, unknown>>): Usage | undefined {
  if (isObject(usage)) {
    const input = count(usage.input_tokens ?? usage.prompt_tokens)
    const output = count(usage.output_tokens ?? usage.completion_tokens)
    const total = count(usage.total_tokens)
    if (input + output + total === 0) return undefined
    const { input_tokens_details: inputDetails, output_tokens_details: outputDetails } = usage
    const { audio_tokens: audioInput, image_tokens: imageInput } = isObject(inputDetails) ? inputDetails : {}
    const imageOutput = isObject(outputDetails) ? outputDetails.image_tokens : undefined
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

import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { readCallPiece } from './calls.js'
import { messageOf, readChoices } from './choices.js'
import { thinkingText } from './parts.js'
import { reasoningTextOf } from './reasoning.js'

type Fields = Record<string, unknown>

/** How many characters of output a chunk brings. What only pads it is none. */
export function readOutputLength({ data }: SseRecord): number {
  const chunk = parseJson(data)
  if (!isObject(chunk)) return 0
  return readChoices(chunk).reduce((length, choice) => length + lengthOf(messageOf(choice) ?? {}), 0)
}

function lengthOf(delta: Fields): number {
  const { content, refusal, tool_calls: calls, function_call: legacy } = delta
  const parts = Array.isArray(content) ? content.filter(isObject).map(partText) : [content]
  const inputs = [...(Array.isArray(calls) ? calls : []), legacy]
    .filter(isObject)
    .map((call) => readCallPiece(call).input)
  const texts = [...parts, reasoningTextOf(delta), refusal, ...inputs]
  return texts.reduce((length: number, text) => length + (typeof text === 'string' ? text.length : 0), 0)
}

function partText({ type, text, refusal, thinking }: Fields): unknown {
  return type === 'thinking' ? thinkingText(thinking) : (text ?? refusal)
}

import type { Native } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'
import { PROTOCOL_ID } from '../traits.js'

/** Fields of a request that its response repeats unchanged. */
export type RepeatedFields = Readonly<Record<string, unknown>>

/** Key of the repeated fields in the native fields. A symbol, so that it is neither written nor reported as a loss. */
const REPEATED_FIELDS: unique symbol = Symbol('repeated fields')

const REPEATED_NAMES = [
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'prompt_cache_key',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
]

/** Creates the native fields of a request, including those of its body that the response repeats. */
export function withRepeatedFields(nativeFields: object, body: Readonly<Record<string, unknown>>): Native {
  const names = REPEATED_NAMES.filter((name) => body[name] !== undefined && body[name] !== null)
  const repeated: RepeatedFields = Object.fromEntries(names.map((name) => [name, body[name]]))
  const fields: Record<string | symbol, unknown> = { ...nativeFields, [REPEATED_FIELDS]: repeated }
  return { protocol: PROTOCOL_ID, fields }
}

/** The fields that the response repeats. Empty for a request of another protocol. */
export function repeatedFieldsOf(native: Native | undefined): RepeatedFields {
  const fields: Readonly<Record<string | symbol, unknown>> = native?.fields ?? {}
  const repeated = fields[REPEATED_FIELDS]
  return isObject(repeated) ? repeated : {}
}

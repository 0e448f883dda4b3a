import type { Native } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'
import { ID } from '../native.js'

/** What of a request its response repeats, as it was given. */
export type Echo = Readonly<Record<string, unknown>>

/** A symbol, because what is repeated is no field that another language would have to say. */
const ECHO: unique symbol = Symbol('echo')

const REPEATED = [
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

/** The native part of a request that remembers what its response repeats. */
export function withEcho(native: Native | undefined, body: Record<string, unknown>): Native {
  const given = REPEATED.filter((name) => body[name] !== undefined && body[name] !== null)
  const echo: Echo = Object.fromEntries(given.map((name) => [name, body[name]]))
  const fields: Record<string | symbol, unknown> = { ...native?.fields, [ECHO]: echo }
  return { protocol: ID, fields }
}

/** What the response to a request repeats; empty for a request of another language. */
export function echoOf(native: Native | undefined): Echo {
  const fields: Readonly<Record<string | symbol, unknown>> = native?.fields ?? {}
  const echo = fields[ECHO]
  return isObject(echo) ? echo : {}
}

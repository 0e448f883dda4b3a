import type { UsageRecord } from '../usage.js'
import { numberOf, type Value } from './database.js'

/** How one kind of field is kept. */
interface Kind {
  /** The type of PostgreSQL's array of them. */
  readonly array: string
  write(value: unknown): Value
  read(value: unknown): unknown
}

/** A column of the table of records. */
export interface Column extends Kind {
  readonly name: string
  readonly field: keyof UsageRecord
}

/** An index takes no more, and no name that means anything is longer. */
const LONGEST_TEXT = 400
/** A list beyond this is left out. */
const LONGEST_JSON = 100_000

/** As PostgreSQL can keep it: without zero bytes, and not too long for an index. */
export function textOf(value: string): string {
  return value.slice(0, LONGEST_TEXT).replaceAll('\0', '\ufffd')
}

/** As a BIGINT can keep it. */
export function wholeOf(value: number): number {
  const whole = Math.round(value)
  if (Number.isNaN(whole)) return 0
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, whole))
}

function jsonOf(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > LONGEST_JSON ? '[]' : json
}

const text: Kind = { array: 'text', write: (value) => textOf(value as string), read: String }
const whole: Kind = {
  array: 'bigint',
  write: (value) => wholeOf(value as number),
  read: numberOf,
}
const real: Kind = {
  array: 'double precision',
  write: (value) => (Number.isFinite(value) ? (value as number) : 0),
  read: numberOf,
}
const json: Kind = {
  array: 'text',
  write: jsonOf,
  read: (value) => JSON.parse(String(value)) as unknown,
}
const flag: Kind = { ...whole, write: (value) => (value ? 1 : 0), read: (value) => numberOf(value) === 1 }
const date: Kind = {
  ...whole,
  write: (value) => wholeOf((value as Date).getTime()),
  read: (value) => new Date(numberOf(value)),
}

function optional(kind: Kind): Kind {
  return {
    array: kind.array,
    write: (value) => (value === undefined || value === null ? null : kind.write(value)),
    read: (value) => (value === undefined || value === null ? undefined : kind.read(value)),
  }
}

function column(name: string, field: keyof UsageRecord, kind: Kind): Column {
  return { name, field, ...kind }
}

/** What a record is kept in. One that is new needs a migration. */
export const columns: readonly Column[] = [
  column('time_ms', 'time', date),
  column('request_id', 'requestId', text),
  column('caller_id', 'callerId', text),
  column('caller_group', 'group', text),
  column('tags', 'tags', json),
  column('operation', 'operation', text),
  column('protocol', 'protocol', text),
  column('model', 'model', text),
  column('stream', 'stream', flag),
  column('target', 'target', optional(text)),
  column('attempts', 'attempts', json),
  column('status', 'status', whole),
  column('outcome', 'outcome', text),
  column('input_tokens', 'inputTokens', optional(whole)),
  column('cached_input_tokens', 'cachedInputTokens', optional(whole)),
  column('output_tokens', 'outputTokens', optional(whole)),
  column('reasoning_tokens', 'reasoningTokens', optional(whole)),
  column('estimated', 'estimated', flag),
  column('cost_nanos', 'costNanos', optional(whole)),
  column('multiplier', 'multiplier', real),
  column('cache', 'cache', optional(text)),
  column('losses', 'losses', json),
  column('first_output_ms', 'firstOutputMs', optional(real)),
  column('total_ms', 'totalMs', real),
  column('error', 'error', optional(text)),
]

import type { UsageRecord } from '../usage.js'
import { type SqlValue, toNumber } from './database.js'

/** How the database stores a type of field. */
interface ColumnType {
  /** The element type of PostgreSQL's array of such values. */
  readonly array: string
  write(value: unknown): SqlValue
  read(value: unknown): unknown
}

/** A column of the table of usage records. */
export interface Column extends ColumnType {
  readonly name: string
  readonly field: keyof UsageRecord
}

/** Index entries have a maximum size. No sensible name is longer. */
const MAX_TEXT_LENGTH = 400
/** A longer list is stored as an empty list. */
const MAX_JSON_LENGTH = 100_000

/** A text that PostgreSQL can store: without zero bytes, and not too long for an index. */
export function toSqlText(value: string): string {
  return value.slice(0, MAX_TEXT_LENGTH).replaceAll('\0', '\ufffd')
}

/** An integer that fits a BIGINT and a JavaScript number. NaN becomes 0. */
export function toSqlInteger(value: number): number {
  const integer = Math.round(value)
  if (Number.isNaN(integer)) return 0
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, integer))
}

function toJsonText(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > MAX_JSON_LENGTH ? '[]' : json
}

const text: ColumnType = { array: 'text', write: (value) => toSqlText(value as string), read: String }
const integer: ColumnType = {
  array: 'bigint',
  write: (value) => toSqlInteger(value as number),
  read: toNumber,
}
const real: ColumnType = {
  array: 'double precision',
  write: (value) => (Number.isFinite(value) ? (value as number) : 0),
  read: toNumber,
}
const json: ColumnType = {
  array: 'text',
  write: toJsonText,
  read: (value) => JSON.parse(String(value)) as unknown,
}
const boolean: ColumnType = { ...integer, write: (value) => (value ? 1 : 0), read: (value) => toNumber(value) === 1 }
const date: ColumnType = {
  ...integer,
  write: (value) => toSqlInteger((value as Date).getTime()),
  read: (value) => new Date(toNumber(value)),
}

function optional({ array, write, read }: ColumnType): ColumnType {
  return {
    array,
    write: (value) => (value === undefined || value === null ? null : write(value)),
    read: (value) => (value === undefined || value === null ? undefined : read(value)),
  }
}

function column(name: string, field: keyof UsageRecord, type: ColumnType): Column {
  return { name, field, ...type }
}

/** The columns of a usage record. A new column needs a migration. */
export const columns: readonly Column[] = [
  column('time_ms', 'time', date),
  column('request_id', 'requestId', text),
  column('caller_id', 'callerId', text),
  column('caller_group', 'group', text),
  column('tags', 'tags', json),
  column('operation', 'operation', text),
  column('protocol', 'protocol', text),
  column('model', 'model', text),
  column('stream', 'stream', boolean),
  column('target', 'target', optional(text)),
  column('attempts', 'attempts', json),
  column('status', 'status', integer),
  column('outcome', 'outcome', text),
  column('input_tokens', 'inputTokens', optional(integer)),
  column('cached_input_tokens', 'cachedInputTokens', optional(integer)),
  column('output_tokens', 'outputTokens', optional(integer)),
  column('reasoning_tokens', 'reasoningTokens', optional(integer)),
  column('estimated', 'estimated', boolean),
  column('cost_nanos', 'costNanos', optional(integer)),
  column('multiplier', 'multiplier', real),
  column('cache', 'cache', optional(text)),
  column('losses', 'losses', json),
  column('first_output_ms', 'firstOutputMs', optional(real)),
  column('total_ms', 'totalMs', real),
  column('error', 'error', optional(text)),
]

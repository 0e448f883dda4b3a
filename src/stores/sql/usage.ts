import type { UsageFilter, UsageRecord, UsageStore, UsageSum } from '../usage.js'
import { type Database, type SqlRow, type SqlValue, toNumber } from './database.js'
import type { QueuedWrite } from './operations.js'
import { columns, toSqlText } from './usage-columns.js'
import type { WriteQueue } from './write-queue.js'

const DEFAULT_QUERY_LIMIT = 1000
const HOUR_MS = 3_600_000
const PERIOD_MS = { hour: HOUR_MS, day: 24 * HOUR_MS }

const COLUMN_NAMES = columns.map(({ name }) => name).join(', ')

/** Sorts text by character code, as SQLite does by default. */
const collations: Readonly<Record<Database['dialect'], string>> = { sqlite: '', postgres: 'COLLATE "C"' }

interface WhereClause {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** Usage records in a database. A record and the settlement of its call are written soon, in one transaction. */
export class SqlUsage implements UsageStore {
  readonly #database: Database
  readonly #queue: WriteQueue<QueuedWrite>
  #lastNumber = 0

  constructor(database: Database, queue: WriteQueue<QueuedWrite>) {
    this.#database = database
    this.#queue = queue
  }

  write(record: UsageRecord): void {
    // Converted here, so that an invalid record throws here and does not make its whole batch fail.
    const values = columns.map(({ field, write }) => write(record[field]))
    this.#lastNumber++
    this.#queue.add({ number: this.#lastNumber, values })
  }

  async query(filter: UsageFilter = {}, limit: number = DEFAULT_QUERY_LIMIT): Promise<UsageRecord[]> {
    const where = whereClause(filter)
    const rows = await this.#database.run({
      sql: `SELECT ${COLUMN_NAMES} FROM modelmount_usage ${where.sql} ORDER BY time_ms DESC, number DESC LIMIT $${where.values.length + 1}`,
      values: [...where.values, limit],
    })
    return rows.map(toRecord)
  }

  async sums(per: 'hour' | 'day', filter: UsageFilter = {}): Promise<UsageSum[]> {
    const where = whereClause(filter)
    const collation = collations[this.#database.dialect]
    const rows = await this.#database.run({
      sql: `SELECT time_ms / ${PERIOD_MS[per]} * ${PERIOD_MS[per]} AS time_ms, caller_id, model, ${SUMS}
        FROM modelmount_usage ${where.sql} GROUP BY 1, 2, 3 ORDER BY 1, caller_id ${collation}, model ${collation}`,
      values: where.values,
    })
    return rows.map(toSum)
  }

  flush(): Promise<void> {
    return this.#queue.flush()
  }
}

/** As text, because some drivers throw for integers beyond JavaScript's safe ones. */
const SUMS = [
  'count(*) AS calls',
  "sum(CASE WHEN outcome IN ('failed', 'cut') THEN 1 ELSE 0 END) AS failed",
  ...['input_tokens', 'cached_input_tokens', 'output_tokens', 'reasoning_tokens', 'cost_nanos'].map(
    (name) => `CAST(coalesce(sum(${name}), 0) AS TEXT) AS ${name}`,
  ),
].join(', ')

function whereClause({ callerId, group, model, from, to }: UsageFilter): WhereClause {
  const conditions: readonly (readonly [string, SqlValue | undefined])[] = [
    ['caller_id =', callerId === undefined ? undefined : toSqlText(callerId)],
    ['caller_group =', group === undefined ? undefined : toSqlText(group)],
    ['model =', model === undefined ? undefined : toSqlText(model)],
    ['time_ms >=', from?.getTime()],
    ['time_ms <', to?.getTime()],
  ]
  const applied = conditions.filter(([, value]) => value !== undefined)
  if (applied.length === 0) return { sql: '', values: [] }
  const sql = `WHERE ${applied.map(([condition], index) => `${condition} $${index + 1}`).join(' AND ')}`
  return { sql, values: applied.map(([, value]) => value as SqlValue) }
}

function toRecord(row: SqlRow): UsageRecord {
  const fields = columns.map(({ name, field, read }) => [field, read(row[name])])
  return Object.fromEntries(fields) as UsageRecord
}

function toSum(row: SqlRow): UsageSum {
  return {
    time: new Date(toNumber(row.time_ms)),
    callerId: String(row.caller_id),
    model: String(row.model),
    calls: toNumber(row.calls),
    failed: toNumber(row.failed),
    inputTokens: toNumber(row.input_tokens),
    cachedInputTokens: toNumber(row.cached_input_tokens),
    outputTokens: toNumber(row.output_tokens),
    reasoningTokens: toNumber(row.reasoning_tokens),
    costNanos: toNumber(row.cost_nanos),
  }
}

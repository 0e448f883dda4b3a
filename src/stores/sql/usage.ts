import type { UsageFilter, UsageRecord, UsageStore, UsageSum } from '../usage.js'
import type { Entry } from './books.js'
import { type Database, numberOf, type Row, type Value } from './database.js'
import type { Queue } from './queue.js'
import { columns, textOf } from './usage-columns.js'

const LIMIT = 1000
const HOUR_MS = 3_600_000
const LENGTHS = { hour: HOUR_MS, day: 24 * HOUR_MS }

const NAMES = columns.map(({ name }) => name).join(', ')

/** Names in the order of their letters' codes, as SQLite has it by itself. */
const plainOrder: Readonly<Record<Database['dialect'], string>> = { sqlite: '', postgres: 'COLLATE "C"' }

/** Conditions, and the values that they mean. */
interface Where {
  readonly sql: string
  readonly values: readonly Value[]
}

/** Usage records in a database; written soon, in one transaction with what their calls are charged. */
export class SqlUsage implements UsageStore {
  readonly #database: Database
  readonly #queue: Queue<Entry>
  #number = 0

  constructor(database: Database, queue: Queue<Entry>) {
    this.#database = database
    this.#queue = queue
  }

  write(record: UsageRecord): void {
    // Made here, so that a record that is none is its writer's trouble, not that of all who write with it.
    const values = columns.map(({ field, write }) => write(record[field]))
    this.#number++
    this.#queue.add({ number: this.#number, values })
  }

  async query(filter: UsageFilter = {}, limit: number = LIMIT): Promise<UsageRecord[]> {
    const { sql, values } = whereOf(filter)
    const rows = await this.#database.run({
      sql: `SELECT ${NAMES} FROM modelmount_usage ${sql} ORDER BY time_ms DESC, number DESC LIMIT $${values.length + 1}`,
      values: [...values, limit],
    })
    return rows.map(recordOf)
  }

  async sums(per: 'hour' | 'day', filter: UsageFilter = {}): Promise<UsageSum[]> {
    const { sql, values } = whereOf(filter)
    const order = plainOrder[this.#database.dialect]
    const rows = await this.#database.run({
      sql: `SELECT time_ms / ${LENGTHS[per]} * ${LENGTHS[per]} AS time_ms, caller_id, model, ${SUMS}
        FROM modelmount_usage ${sql} GROUP BY 1, 2, 3 ORDER BY 1, caller_id ${order}, model ${order}`,
      values,
    })
    return rows.map(sumOf)
  }

  flush(): Promise<void> {
    return this.#queue.flush()
  }
}

/** As text: a driver may balk at what is beyond JavaScript's whole numbers. */
const SUMS = [
  'count(*) AS calls',
  "sum(CASE WHEN outcome IN ('failed', 'cut') THEN 1 ELSE 0 END) AS failed",
  ...['input_tokens', 'cached_input_tokens', 'output_tokens', 'reasoning_tokens', 'cost_nanos'].map(
    (name) => `CAST(coalesce(sum(${name}), 0) AS TEXT) AS ${name}`,
  ),
].join(', ')

function whereOf({ callerId, group, model, from, to }: UsageFilter): Where {
  const conditions: readonly (readonly [string, Value | undefined])[] = [
    ['caller_id =', callerId === undefined ? undefined : textOf(callerId)],
    ['caller_group =', group === undefined ? undefined : textOf(group)],
    ['model =', model === undefined ? undefined : textOf(model)],
    ['time_ms >=', from?.getTime()],
    ['time_ms <', to?.getTime()],
  ]
  const given = conditions.filter(([, value]) => value !== undefined)
  if (given.length === 0) return { sql: '', values: [] }
  const sql = `WHERE ${given.map(([condition], index) => `${condition} $${index + 1}`).join(' AND ')}`
  return { sql, values: given.map(([, value]) => value as Value) }
}

function recordOf(row: Row): UsageRecord {
  const fields = columns.map(({ name, field, read }) => [field, read(row[name])])
  return Object.fromEntries(fields) as UsageRecord
}

function sumOf(row: Row): UsageSum {
  return {
    time: new Date(numberOf(row.time_ms)),
    callerId: String(row.caller_id),
    model: String(row.model),
    calls: numberOf(row.calls),
    failed: numberOf(row.failed),
    inputTokens: numberOf(row.input_tokens),
    cachedInputTokens: numberOf(row.cached_input_tokens),
    outputTokens: numberOf(row.output_tokens),
    reasoningTokens: numberOf(row.reasoning_tokens),
    costNanos: numberOf(row.cost_nanos),
  }
}

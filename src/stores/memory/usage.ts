import type { UsageFilter, UsageRecord, UsageStore, UsageSum } from '../usage.js'

const DEFAULT_MAX_RECORDS = 10_000
const DEFAULT_QUERY_LIMIT = 1000
const HOUR_MS = 3_600_000
const PERIOD_MS = { hour: HOUR_MS, day: 24 * HOUR_MS }

/** Keeps the newest usage records of one process. */
export class MemoryUsage implements UsageStore {
  /** A ring: the next record replaces the oldest. */
  readonly #records: UsageRecord[] = []
  readonly #maxRecords: number
  #nextIndex = 0

  constructor(maxRecords: number = DEFAULT_MAX_RECORDS) {
    this.#maxRecords = maxRecords
  }

  write(record: UsageRecord): void {
    this.#records[this.#nextIndex] = record
    this.#nextIndex = (this.#nextIndex + 1) % this.#maxRecords
  }

  async query(filter: UsageFilter = {}, limit: number = DEFAULT_QUERY_LIMIT): Promise<UsageRecord[]> {
    const matching = this.#matching(filter).reverse()
    // The sort is stable: it keeps the order of calls that ended in the same millisecond.
    return matching.sort((one, other) => other.time.getTime() - one.time.getTime()).slice(0, limit)
  }

  async sums(per: 'hour' | 'day', filter: UsageFilter = {}): Promise<UsageSum[]> {
    const sums = new Map<string, Writable<UsageSum>>()
    for (const record of this.#matching(filter)) addTo(sums, record, PERIOD_MS[per])
    return [...sums.values()].sort(
      (one, other) =>
        one.time.getTime() - other.time.getTime() ||
        compare(one.callerId, other.callerId) ||
        compare(one.model, other.model),
    )
  }

  async flush(): Promise<void> {}

  /** In the order in which they were written. */
  #matching(filter: UsageFilter): UsageRecord[] {
    const inOrder = [...this.#records.slice(this.#nextIndex), ...this.#records.slice(0, this.#nextIndex)]
    return inOrder.filter((record) => matches(record, filter))
  }
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

function matches(record: UsageRecord, { callerId, group, model, from, to }: UsageFilter): boolean {
  if (callerId !== undefined && record.callerId !== callerId) return false
  if (group !== undefined && record.group !== group) return false
  if (model !== undefined && record.model !== model) return false
  return (!from || record.time >= from) && (!to || record.time < to)
}

function addTo(sums: Map<string, Writable<UsageSum>>, record: UsageRecord, periodMs: number): void {
  const { callerId, model } = record
  const time = Math.floor(record.time.getTime() / periodMs) * periodMs
  const key = JSON.stringify([time, callerId, model])
  const sum = sums.get(key) ?? emptySum(new Date(time), callerId, model)
  sums.set(key, sum)
  sum.calls++
  if (record.outcome === 'failed' || record.outcome === 'cut') sum.failed++
  sum.inputTokens += record.inputTokens ?? 0
  sum.cachedInputTokens += record.cachedInputTokens ?? 0
  sum.outputTokens += record.outputTokens ?? 0
  sum.reasoningTokens += record.reasoningTokens ?? 0
  sum.costNanos += record.costNanos ?? 0
}

function emptySum(time: Date, callerId: string, model: string): Writable<UsageSum> {
  const tokens = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }
  return { time, callerId, model, calls: 0, failed: 0, ...tokens, costNanos: 0 }
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

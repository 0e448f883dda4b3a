import type { Pricing } from './pricing.js'
import { costOf, type PriceTable, type Rates, ratesFor, tierStarts } from './rates.js'

/**
 * Prices in the catalogue's form: one table, or several with times. Of several, the last that is valid at the time
 * applies.
 */
export type CataloguePrices = PriceTable | readonly TimedPrices[]

/** A price table that is valid at certain times. Without a constraint it is always valid. */
export interface TimedPrices {
  readonly constraint?: StartDateConstraint | TimeOfDayConstraint | undefined
  readonly prices: PriceTable
}

/** Valid from a day on, in UTC. */
export interface StartDateConstraint {
  readonly type: 'start_date'
  readonly start_date: string
}

/** Valid at certain hours of each day, for example from `16:30:00Z`. They may include midnight. */
export interface TimeOfDayConstraint {
  readonly type: 'time_of_date'
  readonly start_time: string
  readonly end_time: string
}

/** The pricing of a model of the catalogue. */
export interface CataloguePricing {
  readonly pricing: Pricing
  /** Returns the rates for a short input at a time (epoch ms). */
  ratesAt(at: number): Rates
}

/** Returns the rates for an input of this length. */
type RateTable = (inputTokens: number) => Rates

interface ValidityPeriod {
  readonly isValidAt: (at: number) => boolean
  /** When the validity changes next. Infinity if it does not change any more. */
  readonly nextChangeAfter: (at: number) => number
}

const SECOND_MS = 1000
const DAY_MS = 86_400 * SECOND_MS

/**
 * Returns a fast pricing for a model's prices. Undefined if a table has no price for tokens, because the cost of the
 * model is then unknown.
 */
export function createCataloguePricing(prices: CataloguePrices): CataloguePricing | undefined {
  const timed = isTimed(prices) ? prices : [{ prices }]
  if (!timed.every((each) => hasTokenPrice(each.prices))) return undefined
  const first = timed[0] && createRateTable(timed[0].prices)
  if (!first) return undefined
  if (timed.length === 1) return { pricing: (usage) => costOf(first(usage.input), usage), ratesAt: () => first(0) }
  const tableAt = createSchedule(timed, first)
  return {
    pricing: (usage, at = Date.now()) => costOf(tableAt(at)(usage.input), usage),
    ratesAt: (at) => tableAt(at)(0),
  }
}

/** Finds the last table that is valid at a time. It remembers the table until the next change. */
function createSchedule(timed: readonly TimedPrices[], first: RateTable): (at: number) => RateTable {
  const entries = timed.map(({ constraint, prices }) => ({ ...validityOf(constraint), table: createRateTable(prices) }))
  let current = first
  let validFrom = Number.POSITIVE_INFINITY
  let validUntil = validFrom
  return (at) => {
    if (at >= validFrom && at < validUntil) return current
    current = entries.findLast(({ isValidAt }) => isValidAt(at))?.table ?? first
    validFrom = at
    validUntil = Math.min(...entries.map(({ nextChangeAfter }) => nextChangeAfter(at)))
    return current
  }
}

function isTimed(prices: CataloguePrices): prices is readonly TimedPrices[] {
  return Array.isArray(prices)
}

function hasTokenPrice(table: PriceTable): boolean {
  return table.input_mtok !== undefined || table.output_mtok !== undefined
}

/** Computes the rates of all tiers in advance. There are few. */
function createRateTable(table: PriceTable): RateTable {
  const base = ratesFor(table, 0)
  const tiers = tierStarts(table).map((start) => ({ start, rates: ratesFor(table, start + 1) }))
  if (tiers.length === 0) return () => base
  return (inputTokens) => {
    for (const { start, rates } of tiers) if (inputTokens > start) return rates
    return base
  }
}

function validityOf(constraint: TimedPrices['constraint']): ValidityPeriod {
  if (!constraint) return { isValidAt: () => true, nextChangeAfter: () => Number.POSITIVE_INFINITY }
  return constraint.type === 'start_date' ? validFromDate(constraint) : validAtTimeOfDay(constraint)
}

function validFromDate({ start_date }: StartDateConstraint): ValidityPeriod {
  const start = Date.parse(start_date)
  return { isValidAt: (at) => at >= start, nextChangeAfter: (at) => (at < start ? start : Number.POSITIVE_INFINITY) }
}

function validAtTimeOfDay({ start_time, end_time }: TimeOfDayConstraint): ValidityPeriod {
  const start = timeOfDayMs(start_time)
  const end = timeOfDayMs(end_time)
  const next = (time: number, at: number): number => at - (at % DAY_MS) + (time > at % DAY_MS ? time : time + DAY_MS)
  return {
    isValidAt: (at) => {
      const time = at % DAY_MS
      return end < start ? time >= start || time < end : time >= start && time < end
    },
    nextChangeAfter: (at) => Math.min(next(start, at), next(end, at)),
  }
}

/** Returns ms since midnight in UTC. The text may have the offset of another time zone. */
function timeOfDayMs(text: string): number {
  return Date.parse(`1970-01-02T${text}`) % DAY_MS
}

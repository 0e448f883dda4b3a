import type { Pricing } from './pricing.js'
import { charge, type PriceTable, type Rates, ratesOf, startsOf } from './rates.js'

/** Prices as the catalogue writes them: one table, or several of which the last that holds at the time counts. */
export type Prices = PriceTable | readonly TimedPrices[]

/** Prices for a time. */
export interface TimedPrices {
  readonly constraint?: Since | Daily | undefined
  readonly prices: PriceTable
}

/** From a day on, in UTC. */
export interface Since {
  readonly type: 'start_date'
  readonly start_date: string
}

/** Hours of each day, as `16:30:00Z`; they may span midnight. */
export interface Daily {
  readonly type: 'time_of_date'
  readonly start_time: string
  readonly end_time: string
}

/** What a model's tokens cost, and what its plain ones do at the time, in USD per million. */
export interface Compiled {
  readonly pricing: Pricing
  ratesAt(at: number): Rates
}

type RatesFor = (inputTokens: number) => Rates

/** When prices hold, and until when that stays so. */
interface Span {
  readonly holds: (at: number) => boolean
  readonly changesAfter: (at: number) => number
}

const SECOND = 1000
const DAY = 86_400 * SECOND

/** Makes a quick function of a model's prices. Undefined where a table has no price of tokens: nobody knows what it costs. */
export function compile(prices: Prices): Compiled | undefined {
  const timed = isTimed(prices) ? prices : [{ prices }]
  if (!timed.every((each) => hasTokenPrice(each.prices))) return undefined
  const first = timed[0] && compileTable(timed[0].prices)
  if (!first) return undefined
  if (timed.length === 1) return { pricing: (usage) => charge(first(usage.input), usage), ratesAt: () => first(0) }
  const find = choose(timed, first)
  return {
    pricing: (usage, at = Date.now()) => charge(find(at)(usage.input), usage),
    ratesAt: (at) => find(at)(0),
  }
}

/** The last prices that hold at a time. They are looked for again when some begin or end, which is seldom. */
function choose(timed: readonly TimedPrices[], first: RatesFor): (at: number) => RatesFor {
  const choices = timed.map(({ constraint, prices }) => ({ ...spanOf(constraint), rates: compileTable(prices) }))
  let current = first
  let from = Number.POSITIVE_INFINITY
  let until = from
  return (at) => {
    if (at >= from && at < until) return current
    current = choices.findLast(({ holds }) => holds(at))?.rates ?? first
    from = at
    until = Math.min(...choices.map(({ changesAfter }) => changesAfter(at)))
    return current
  }
}

function isTimed(prices: Prices): prices is readonly TimedPrices[] {
  return Array.isArray(prices)
}

function hasTokenPrice(table: PriceTable): boolean {
  return table.input_mtok !== undefined || table.output_mtok !== undefined
}

/** The rates for a length of input. Steps are few, and worked out beforehand. */
function compileTable(table: PriceTable): RatesFor {
  const base = ratesOf(table, 0)
  const steps = startsOf(table).map((start) => ({ start, rates: ratesOf(table, start + 1) }))
  if (steps.length === 0) return () => base
  return (inputTokens) => {
    for (const { start, rates } of steps) if (inputTokens > start) return rates
    return base
  }
}

function spanOf(constraint: TimedPrices['constraint']): Span {
  if (!constraint) return { holds: () => true, changesAfter: () => Number.POSITIVE_INFINITY }
  return constraint.type === 'start_date' ? since(constraint) : daily(constraint)
}

function since({ start_date }: Since): Span {
  const start = Date.parse(start_date)
  return { holds: (at) => at >= start, changesAfter: (at) => (at < start ? start : Number.POSITIVE_INFINITY) }
}

function daily({ start_time, end_time }: Daily): Span {
  const start = timeOfDay(start_time)
  const end = timeOfDay(end_time)
  const next = (time: number, at: number): number => at - (at % DAY) + (time > at % DAY ? time : time + DAY)
  return {
    holds: (at) => {
      const time = at % DAY
      return end < start ? time >= start || time < end : time >= start && time < end
    },
    changesAfter: (at) => Math.min(next(start, at), next(end, at)),
  }
}

/** Ms since midnight in UTC; a time may be told with another zone's offset. */
function timeOfDay(text: string): number {
  return Date.parse(`1970-01-02T${text}`) % DAY
}

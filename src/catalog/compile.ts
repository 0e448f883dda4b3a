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

type Holds = (at: number) => boolean

const SECOND = 1000
const DAY = 86_400 * SECOND

/** Makes a quick function of a model's prices. Undefined where a table has no price of tokens: nobody knows what it costs. */
export function compile(prices: Prices): Compiled | undefined {
  const timed = isTimed(prices) ? prices : [{ prices }]
  if (!timed.every((each) => hasTokenPrice(each.prices))) return undefined
  const first = timed[0] && compileTable(timed[0].prices)
  if (!first) return undefined
  if (timed.length === 1) return { pricing: (usage) => charge(first(usage.input), usage), ratesAt: () => first(0) }
  const choices = timed.map((each) => ({ holds: holder(each), rates: compileTable(each.prices) })).reverse()
  const find = (at: number): ((inputTokens: number) => Rates) => choices.find(({ holds }) => holds(at))?.rates ?? first
  return {
    pricing: (usage, at = Date.now()) => charge(find(at)(usage.input), usage),
    ratesAt: (at) => find(at)(0),
  }
}

function isTimed(prices: Prices): prices is readonly TimedPrices[] {
  return Array.isArray(prices)
}

function hasTokenPrice(table: PriceTable): boolean {
  return table.input_mtok !== undefined || table.output_mtok !== undefined
}

/** The rates for a length of input. Steps are few, and worked out beforehand. */
function compileTable(table: PriceTable): (inputTokens: number) => Rates {
  const base = ratesOf(table, 0)
  const steps = startsOf(table).map((start) => ({ start, rates: ratesOf(table, start + 1) }))
  if (steps.length === 0) return () => base
  return (inputTokens) => {
    for (const { start, rates } of steps) if (inputTokens > start) return rates
    return base
  }
}

function holder({ constraint }: TimedPrices): Holds {
  if (!constraint) return () => true
  if (constraint.type === 'start_date') {
    const start = Date.parse(constraint.start_date)
    return (at) => at >= start
  }
  const start = timeOfDay(constraint.start_time)
  const end = timeOfDay(constraint.end_time)
  if (end < start) return (at) => at % DAY >= start || at % DAY < end
  return (at) => at % DAY >= start && at % DAY < end
}

/** Ms since midnight in UTC; a time may be told with another zone's offset. */
function timeOfDay(text: string): number {
  return Date.parse(`1970-01-02T${text}`) % DAY
}

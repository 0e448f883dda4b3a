import type { Call } from '../../call.js'
import type { Budget, Caller } from '../../caller.js'
import type { Operation } from '../../endpoints.js'
import { RelayError } from '../../errors.js'
import type { SpendingCap } from '../../stores/ledger.js'
import type { Groups } from '../access/groups.js'

const NANOS_PER_USD = 1e9
const DAY_MS = 86_400_000

type Span = NonNullable<Budget['per']>

/** Operations that cost nothing anywhere. */
const FREE: ReadonlySet<Operation> = new Set<Operation>(['count', 'moderation', 'forward', 'session'])

/** Whether a call costs nothing, whatever it says. */
export function isFree({ operation }: Pick<Call, 'operation'>): boolean {
  return FREE.has(operation)
}

/** Says whose money a call is paid with, and what it is multiplied by. */
export class Budgets {
  readonly #groups: Groups
  /** By caller, for the day on which they were made. */
  readonly #credits = new WeakMap<Caller, { readonly day: number; readonly credits: readonly SpendingCap[] }>()

  constructor(groups: Groups) {
    this.#groups = groups
  }

  /** Every credit that has to suffice, at a time in epoch ms. None where nothing is budgeted. */
  capsOf(caller: Caller, time: number): readonly SpendingCap[] {
    const day = Math.floor(time / DAY_MS)
    const known = this.#credits.get(caller)
    if (known?.day === day) return known.credits
    const group = this.#groups.of(caller)
    const own = creditsOf(`key:${caller.id}`, caller.budget, day)
    const credits = group ? [...own, ...creditsOf(`group:${group.name}`, group.budget, day)] : own
    this.#credits.set(caller, { day, credits })
    return credits
  }

  multiplierOf(caller: Caller): number {
    return this.#groups.of(caller)?.multiplier ?? 1
  }
}

function creditsOf(
  account: string,
  budget: Budget | readonly Budget[] | undefined,
  day: number,
): readonly SpendingCap[] {
  const least = new Map<string, number>()
  for (const { usd, per = 'total' } of budget ? [budget].flat() : []) {
    const period = PERIODS[per](day)
    least.set(period, Math.min(Math.round(usd * NANOS_PER_USD), least.get(period) ?? Number.POSITIVE_INFINITY))
  }
  return [...least].map(([period, nanos]) => ({ account, period, nanos }))
}

/** The period that a day (since 1970, UTC) is in: its kind, and the day it began on. */
const PERIODS: Readonly<Record<Span, (day: number) => string>> = {
  total: () => 'total',
  day: (day) => `day:${dateOf(day)}`,
  // The first of January 1970 was a Thursday.
  week: (day) => `week:${dateOf(day - ((day + 3) % 7))}`,
  month: (day) => `month:${dateOf(day).slice(0, 7)}-01`,
}

/** The period that a time (epoch ms) is in. */
export function periodAt(time: number, per: Span): string {
  return PERIODS[per](Math.floor(time / DAY_MS))
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** The error of a credit that does not suffice. */
export function quotaError({ account, period }: SpendingCap): RelayError {
  const whose = account.startsWith('group:') ? 'its group' : 'this key'
  const span = period === 'total' ? '' : ` for this ${period.split(':', 1)[0]}`
  const message = `You exceeded your current quota: the budget of ${whose}${span} does not cover this request.`
  // Clients retry a 429 of themselves; here that would mend nothing.
  return new RelayError('insufficient_quota', message, { headers: { 'x-should-retry': 'false' } })
}

import type { Call } from '../../call.js'
import type { Budget, Caller } from '../../caller.js'
import type { Operation } from '../../endpoints.js'
import { RelayError } from '../../errors.js'
import type { SpendingCap } from '../../stores/ledger.js'
import type { Groups } from '../access/groups.js'

const NANOS_PER_USD = 1e9
const DAY_MS = 86_400_000

type Period = NonNullable<Budget['per']>

/** Operations that no provider charges for, or whose cost the relay cannot know. */
const FREE: ReadonlySet<Operation> = new Set<Operation>(['count', 'moderation', 'forward', 'session'])

/** Whether calls of this operation are never charged. */
export function isFree({ operation }: Pick<Call, 'operation'>): boolean {
  return FREE.has(operation)
}

/** Knows which budgets must cover a caller's calls, and the multiplier of its prices. */
export class Budgets {
  readonly #groups: Groups
  /** By caller; valid for one day (UTC), since periods change at midnight. */
  readonly #caps = new WeakMap<Caller, { readonly day: number; readonly caps: readonly SpendingCap[] }>()

  constructor(groups: Groups) {
    this.#groups = groups
  }

  /** The spending caps of a caller and its group at a time (epoch ms). Empty without budgets. */
  capsOf(caller: Caller, time: number): readonly SpendingCap[] {
    const day = Math.floor(time / DAY_MS)
    const known = this.#caps.get(caller)
    if (known?.day === day) return known.caps
    const group = this.#groups.of(caller)
    const callerCaps = capsOf(`key:${caller.id}`, caller.budget, day)
    const caps = group ? [...callerCaps, ...capsOf(`group:${group.name}`, group.budget, day)] : callerCaps
    this.#caps.set(caller, { day, caps })
    return caps
  }

  multiplierOf(caller: Caller): number {
    return this.#groups.of(caller)?.multiplier ?? 1
  }
}

/** One cap per period: of several budgets for the same period, the lowest. */
function capsOf(account: string, budget: Budget | readonly Budget[] | undefined, day: number): readonly SpendingCap[] {
  const lowest = new Map<string, number>()
  for (const { usd, per = 'total' } of budget ? [budget].flat() : []) {
    const period = PERIODS[per](day)
    lowest.set(period, Math.min(Math.round(usd * NANOS_PER_USD), lowest.get(period) ?? Number.POSITIVE_INFINITY))
  }
  return [...lowest].map(([period, limitNanos]) => ({ account, period, limitNanos }))
}

/** The name of the period that contains a day (days since 1970, UTC): its kind and its first day. */
const PERIODS: Readonly<Record<Period, (day: number) => string>> = {
  total: () => 'total',
  day: (day) => `day:${dateOf(day)}`,
  // The first of January 1970 was a Thursday.
  week: (day) => `week:${dateOf(day - ((day + 3) % 7))}`,
  month: (day) => `month:${dateOf(day).slice(0, 7)}-01`,
}

/** The name of the period that contains a time (epoch ms). */
export function periodAt(time: number, per: Period): string {
  return PERIODS[per](Math.floor(time / DAY_MS))
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** The error for a cap that does not cover a call. */
export function quotaError({ account, period }: SpendingCap): RelayError {
  const whose = account.startsWith('group:') ? 'its group' : 'this key'
  const periodText = period === 'total' ? '' : ` for this ${period.split(':', 1)[0]}`
  const message = `You exceeded your current quota: the budget of ${whose}${periodText} does not cover this request.`
  // SDKs retry a 429 by default, which cannot help here.
  return new RelayError('insufficient_quota', message, { headers: { 'x-should-retry': 'false' } })
}

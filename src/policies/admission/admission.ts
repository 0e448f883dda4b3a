import type { Call, Target } from '../../call.js'
import type { Pricing } from '../../catalog/pricing.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { makeRequestId } from '../../lib/ids.js'
import { StoreUnavailable } from '../../stores/circuit-breaker.js'
import type { LedgerStore, Nanos, Reservation, SpendingCap } from '../../stores/ledger.js'
import type { LimitScope, LimitStore, LimitTake } from '../../stores/limits.js'
import type { Grant, LimitSource } from '../../stores/resilient-stores.js'
import { allTargets, type RoutePlan } from '../routing/router.js'
import { type Budgets, isFree, quotaError } from './budgets.js'
import { type Estimate, estimate } from './estimate.js'
import { type Limiter, limitError, setLimitHeaders } from './limiter.js'

/** What prices are asked of. */
export interface PriceBook {
  /** What a target costs, where somebody knows. */
  of(target: Target): Pricing | undefined
  /** What a target costs, as the operator has said for those of whom nobody knows it. */
  assumed(target: Target): Pricing
}

/** What admission works with. */
export interface Admitting {
  readonly limiter: Limiter
  readonly limits: LimitSource
  readonly budgets: Budgets
  readonly ledger: LedgerStore
  readonly prices: PriceBook
  /** Of an answer without a cap, in tokens. */
  readonly assumedOutputTokens: number
}

/** What a call has come to. */
export interface Charge {
  readonly tokens: number
  readonly nanos: Nanos
}

/** What a call has been granted until it ends. */
export interface Lease {
  /** Tokens or money are counted: it matters what the upstream tells of usage. */
  readonly isCounted: boolean
  /** Somebody's money is at stake. */
  readonly isPaid: boolean
  /** Ends it with the truth: what was taken too much is given back, what was taken too little is owed. Once. */
  settle(charge: Charge): void
}

/** Of a call that falls under no limit and no budget. */
const FREE: Lease = { isCounted: false, isPaid: false, settle: () => undefined }
const UNCOUNTED: Estimate = { input: 0, output: 0 }
const NO_CREDITS: readonly SpendingCap[] = []

/** What has been taken of limits. */
interface TakenLimits {
  readonly scopes: readonly LimitScope[]
  readonly draw: LimitTake
  readonly from: LimitStore
}

/** What has been set aside of money. */
interface ReservedBudget {
  readonly hold: Reservation
  readonly ledger: LedgerStore
}

/** Lets calls in: takes of all their limits and budgets what they may come to, or nothing of any. */
export class Admission {
  readonly #means: Admitting

  constructor(means: Admitting) {
    this.#means = means
  }

  /** @throws {RelayError} 429 for a limit or a budget, 503 for a store that does not answer */
  admit(call: Call, plan: RoutePlan): Lease | Promise<Lease> {
    const { limiter, budgets, limits, assumedOutputTokens } = this.#means
    const scopes = limiter.scopesOf(call.caller, call.facts.model)
    const credits = isFree(call) ? NO_CREDITS : budgets.capsOf(call.caller, Date.now())
    if (scopes.length === 0 && credits.length === 0) return FREE
    const smallest = smallestBucket(scopes)
    const isCounted = (smallest !== undefined && !isFree(call)) || credits.length > 0
    const guess = isCounted ? estimate(call, assumedOutputTokens) : UNCOUNTED
    const hold = credits.length > 0 ? this.#holdOf(call, plan, { credits, guess }) : undefined
    if (scopes.length === 0) return this.#pay(hold, undefined)
    // A draw larger than a bucket wants all of it: an estimate may be wrong, and is no reason to refuse for ever.
    const tokens = Math.min(guess.input + guess.output, smallest ?? 0)
    // An answer within a session has the session's slot.
    const draw: LimitTake = { requests: 1, tokens, slots: call.operation === 'realtime' ? 0 : 1 }
    const grant = limits.take(scopes, draw)
    const next = ({ taken, from }: Grant): Lease | Promise<Lease> => {
      setLimitHeaders(call.responseHeaders, taken)
      if (taken.met) throw limitError(taken.met)
      return this.#pay(hold, { scopes, draw, from })
    }
    return grant instanceof Promise ? grant.then(next, toldDown) : next(grant)
  }

  /** What the call would come to at the dearest of its targets. */
  #holdOf({ caller }: Call, plan: RoutePlan, { credits, guess }: Asked): Reservation {
    const { budgets, prices } = this.#means
    const { input, output } = guess
    const usage: Usage = { input, cachedInput: 0, cacheWriteInput: 0, output, reasoning: 0 }
    let dearest = 0
    for (const target of allTargets(plan)) dearest = Math.max(dearest, prices.assumed(target)(usage))
    return { id: makeRequestId(), caps: credits, nanos: Math.ceil(dearest * budgets.multiplierOf(caller)) }
  }

  /** Sets money aside, where the call is paid for. */
  #pay(hold: Reservation | undefined, taking: TakenLimits | undefined): Lease | Promise<Lease> {
    if (!hold) return new AdmissionLease(taking, undefined)
    const { ledger } = this.#means
    const paid = (short: SpendingCap | undefined): Lease => {
      if (!short) return new AdmissionLease(taking, { hold, ledger })
      giveBack(taking)
      throw quotaError(short)
    }
    const short = ledger.reserve(hold)
    if (!(short instanceof Promise)) return paid(short)
    return short.then(paid, (error) => {
      giveBack(taking)
      return toldDown(error)
    })
  }
}

function giveBack(taking: TakenLimits | undefined): void {
  taking?.from.giveBack(taking.scopes, taking.draw)
}

/** What is to be paid, of what. */
interface Asked {
  readonly credits: readonly SpendingCap[]
  readonly guess: Estimate
}

class AdmissionLease implements Lease {
  readonly #taking: TakenLimits | undefined
  readonly #paying: ReservedBudget | undefined
  #isSettled = false

  constructor(taking: TakenLimits | undefined, paying: ReservedBudget | undefined) {
    this.#taking = taking
    this.#paying = paying
  }

  get isCounted(): boolean {
    return this.isPaid || (this.#taking?.scopes.some(({ tpm }) => tpm !== undefined) ?? false)
  }

  get isPaid(): boolean {
    return this.#paying !== undefined
  }

  settle({ tokens, nanos }: Charge): void {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#taking) {
      const { scopes, draw, from } = this.#taking
      from.giveBack(scopes, { requests: 0, tokens: draw.tokens - tokens, slots: draw.slots })
    }
    this.#paying?.ledger.settle(this.#paying.hold, nanos)
  }
}

/** Undefined where tokens are not limited. */
function smallestBucket(scopes: readonly LimitScope[]): number | undefined {
  let smallest: number | undefined
  for (const { tpm } of scopes) if (tpm !== undefined && !(tpm > (smallest ?? tpm))) smallest = tpm
  return smallest
}

/** A store's silence, in words fit for the caller. */
function toldDown(error: unknown): never {
  if (!(error instanceof StoreUnavailable)) throw error
  const message = 'The relay cannot check your limits at the moment. Please try again.'
  throw new RelayError('store_down', message, { retryAfterMs: RETRY_MS, cause: error })
}

const RETRY_MS = 1000

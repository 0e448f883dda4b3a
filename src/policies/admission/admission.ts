import type { ActualUse, Call, Lease } from '../../call.js'
import type { Pricing } from '../../catalog/pricing.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { makeRequestId } from '../../lib/ids.js'
import type { LedgerStore, Reservation, SpendingCap } from '../../stores/ledger.js'
import type { LimitScope, LimitStore, LimitTake } from '../../stores/limits.js'
import { StoreUnavailable } from '../../stores/resilience/circuit-breaker.js'
import type { LimitGrant, LimitSource } from '../../stores/resilience/resilient-stores.js'
import type { Target } from '../../targets.js'
import { allTargets, type RoutePlan } from '../routing/router.js'
import { type Budgets, isFree, quotaError } from './budgets.js'
import { type Estimate, estimate } from './estimate.js'
import { type Limiter, limitError, setLimitHeaders } from './limiter.js'

/** Prices of targets. */
export interface PriceBook {
  /** The price of a target; undefined where none is known. */
  pricingOf(target: Target): Pricing | undefined
  /** The price of a target, or the operator's assumption where none is known. */
  assumedPricing(target: Target): Pricing
}

export interface AdmissionOptions {
  readonly limiter: Limiter
  readonly limits: LimitSource
  readonly budgets: Budgets
  readonly ledger: LedgerStore
  readonly prices: PriceBook
  /** Assumed length of an answer without a cap, in tokens. */
  readonly assumedOutputTokens: number
}

/** The lease of a call without limits and budgets. */
const UNLIMITED: Lease = { isCounted: false, hasReservation: false, settle: () => undefined }
const NO_ESTIMATE: Estimate = { input: 0, output: 0 }
const NO_CAPS: readonly SpendingCap[] = []

/** What a call has taken from its limits. */
interface TakenLimits {
  readonly scopes: readonly LimitScope[]
  readonly take: LimitTake
  readonly store: LimitStore
}

/** Admits calls: takes what a call may use from all its limits and budgets, or nothing from any. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** @throws {RelayError} 429 for an exhausted limit or budget, 503 for a store that does not answer */
  admit(call: Call, plan: RoutePlan): Lease | Promise<Lease> {
    const { limiter, budgets, limits, assumedOutputTokens } = this.#options
    const scopes = limiter.scopesOf(call.caller, call.facts.model)
    const caps = isFree(call) ? NO_CAPS : budgets.capsOf(call.caller, Date.now())
    if (scopes.length === 0 && caps.length === 0) return UNLIMITED
    const tokenBucket = smallestTokenBucket(scopes)
    const isCounted = (tokenBucket !== undefined && !isFree(call)) || caps.length > 0
    const expected = isCounted ? estimate(call, assumedOutputTokens) : NO_ESTIMATE
    const reservation = caps.length > 0 ? this.#reservationFor(call, plan, caps, expected) : undefined
    if (scopes.length === 0) return this.#lease(reservation, undefined)
    // An estimate larger than the bucket takes the whole bucket: it may be wrong, and must not block the call for ever.
    const tokens = Math.min(expected.input + expected.output, tokenBucket ?? 0)
    // An answer within a realtime session uses the session's slot.
    const take: LimitTake = { requests: 1, tokens, slots: call.operation === 'realtime' ? 0 : 1 }
    const grant = limits.take(scopes, take)
    const onGrant = ({ result, store }: LimitGrant): Lease | Promise<Lease> => {
      setLimitHeaders(call.responseHeaders, result)
      if (result.exceeded) throw limitError(result.exceeded)
      return this.#lease(reservation, { scopes, take, store })
    }
    return grant instanceof Promise ? grant.then(onGrant, rethrowForCaller) : onGrant(grant)
  }

  /** Reserves what the call would cost at its most expensive target. */
  #reservationFor(
    { caller }: Call,
    plan: RoutePlan,
    caps: readonly SpendingCap[],
    { input, output }: Estimate,
  ): Reservation {
    const { budgets, prices } = this.#options
    const usage: Usage = { input, cachedInput: 0, cacheWriteInput: 0, output, reasoning: 0 }
    let highestNanos = 0
    for (const target of allTargets(plan)) highestNanos = Math.max(highestNanos, prices.assumedPricing(target)(usage))
    return { id: makeRequestId(), caps, amountNanos: Math.ceil(highestNanos * budgets.multiplierOf(caller)) }
  }

  /** Reserves money for a call under a budget. Gives the limits back if that exceeds the budget. */
  #lease(reservation: Reservation | undefined, limits: TakenLimits | undefined): Lease | Promise<Lease> {
    if (!reservation) return new AdmissionLease(limits, undefined, undefined)
    const { ledger } = this.#options
    const onReserved = (exceeded: SpendingCap | undefined): Lease => {
      if (!exceeded) return new AdmissionLease(limits, reservation, ledger)
      giveBack(limits)
      throw quotaError(exceeded)
    }
    const exceeded = ledger.reserve(reservation)
    if (!(exceeded instanceof Promise)) return onReserved(exceeded)
    return exceeded.then(onReserved, (error) => {
      giveBack(limits)
      return rethrowForCaller(error)
    })
  }
}

function giveBack(limits: TakenLimits | undefined): void {
  limits?.store.giveBack(limits.scopes, limits.take)
}

class AdmissionLease implements Lease {
  readonly #limits: TakenLimits | undefined
  readonly #reservation: Reservation | undefined
  readonly #ledger: LedgerStore | undefined
  #isSettled = false

  constructor(limits: TakenLimits | undefined, reservation: Reservation | undefined, ledger: LedgerStore | undefined) {
    this.#limits = limits
    this.#reservation = reservation
    this.#ledger = ledger
  }

  get isCounted(): boolean {
    return this.hasReservation || (this.#limits?.scopes.some(({ tpm }) => tpm !== undefined) ?? false)
  }

  get hasReservation(): boolean {
    return this.#reservation !== undefined
  }

  settle({ tokens, costNanos }: ActualUse): void {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#limits) {
      const { scopes, take, store } = this.#limits
      store.giveBack(scopes, { requests: 0, tokens: take.tokens - tokens, slots: take.slots })
    }
    if (this.#reservation) this.#ledger?.settle(this.#reservation, costNanos)
  }
}

/** Undefined where no scope limits tokens. */
function smallestTokenBucket(scopes: readonly LimitScope[]): number | undefined {
  let smallest: number | undefined
  for (const { tpm } of scopes) if (tpm !== undefined && !(tpm > (smallest ?? tpm))) smallest = tpm
  return smallest
}

const STORE_RETRY_MS = 1000

/** Turns an unresponsive store into an error that the caller may see. */
function rethrowForCaller(error: unknown): never {
  if (!(error instanceof StoreUnavailable)) throw error
  const message = 'The relay cannot check your limits at the moment. Please try again.'
  throw new RelayError('store_down', message, { retryAfterMs: STORE_RETRY_MS, cause: error })
}

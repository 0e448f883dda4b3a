import type { AnswerStore, CachedAnswer } from '../answers.js'
import type { CooldownStore } from '../cooldowns.js'
import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'
import type { LimitScope, LimitStore, LimitTake, TakeResult } from '../limits.js'
import type { StoreCircuitBreaker } from './circuit-breaker.js'

/** What happens to calls while a store does not answer: they go on without it, or the relay refuses them. */
export type OutageRule = 'allow' | 'refuse'

/** The result of a take, and the store to which it is given back. */
export interface LimitGrant {
  readonly result: TakeResult
  readonly store: LimitStore
}

/** Takes from limits, in whichever store counts them at the moment. */
export interface LimitSource {
  /** @throws {StoreUnavailable} */
  take(scopes: readonly LimitScope[], take: LimitTake): LimitGrant | Promise<LimitGrant>
}

/** Takes from the limits of this process only. */
export function localLimits(store: LimitStore): LimitSource {
  return { take: (scopes, take) => ({ result: store.take(scopes, take) as TakeResult, store }) }
}

/** Limits that several processes share. During an outage each process counts for itself, or calls are refused. */
export class ResilientLimits implements LimitSource {
  readonly #remote: LimitStore
  readonly #local: LimitStore
  readonly #breaker: StoreCircuitBreaker
  readonly #rule: OutageRule

  constructor(stores: { remote: LimitStore; local: LimitStore }, breaker: StoreCircuitBreaker, rule: OutageRule) {
    const { remote, local } = stores
    this.#remote = {
      take: (scopes, take) => remote.take(scopes, take),
      giveBack: (scopes, take) => void breaker.runEventually(() => remote.giveBack(scopes, take)),
    }
    this.#local = local
    this.#breaker = breaker
    this.#rule = rule
  }

  async take(scopes: readonly LimitScope[], take: LimitTake): Promise<LimitGrant> {
    const remote = this.#remote
    try {
      const giveBackLate = ({ exceeded }: TakeResult): void => {
        if (!exceeded) void remote.giveBack(scopes, take)
      }
      return { result: await this.#breaker.run(() => remote.take(scopes, take), giveBackLate), store: remote }
    } catch (error) {
      if (this.#rule === 'refuse') throw error
      return { result: await this.#local.take(scopes, take), store: this.#local }
    }
  }
}

/** A ledger on another machine or in a file. During an outage, settlements wait. */
export class ResilientLedger implements LedgerStore {
  readonly #ledger: LedgerStore
  readonly #breaker: StoreCircuitBreaker
  readonly #rule: OutageRule

  constructor(ledger: LedgerStore, breaker: StoreCircuitBreaker, rule: OutageRule) {
    this.#ledger = ledger
    this.#breaker = breaker
    this.#rule = rule
  }

  /**
   * With the rule `allow`, calls pass during an outage, and the ledger charges them later.
   *
   * @throws {StoreUnavailable} with the rule `refuse`
   */
  async reserve(reservation: Reservation): Promise<SpendingCap | undefined> {
    const refuses = this.#rule === 'refuse'
    try {
      const releaseLate = refuses ? (): void => this.settle(reservation, 0) : undefined
      return await this.#breaker.run(() => this.#ledger.reserve(reservation), releaseLate)
    } catch (error) {
      if (refuses) throw error
      return undefined
    }
  }

  settle(reservation: Reservation, costNanos: Nanos): void {
    void this.#breaker.runEventually(() => this.#ledger.settle(reservation, costNanos))
  }

  balance(account: string, period: string): Promise<Balance> {
    return this.#breaker.run(() => this.#ledger.balance(account, period))
  }
}

/** Stored answers on another machine. During an outage, calls find no stored answer. */
export class ResilientAnswerStore implements AnswerStore {
  readonly #answers: AnswerStore
  readonly #breaker: StoreCircuitBreaker

  constructor(answers: AnswerStore, breaker: StoreCircuitBreaker) {
    this.#answers = answers
    this.#breaker = breaker
  }

  get(key: string): Promise<CachedAnswer | undefined> {
    return this.#breaker.run(() => this.#answers.get(key)).catch(() => undefined)
  }

  async set(key: string, answer: CachedAnswer, ttlMs: number): Promise<void> {
    // A long answer may take its time, and no call waits for it. A timeout here must not stop limits and budgets.
    await this.#breaker.runOptional(() => this.#answers.set(key, answer, ttlMs))
  }
}

/** Cooldowns on another machine. During an outage, writes are lost and `list` throws. */
export function resilientCooldowns(cooldowns: CooldownStore, breaker: StoreCircuitBreaker): CooldownStore {
  const ignoreFailure = async (write: () => unknown): Promise<void> => {
    await breaker.run(write).catch(() => undefined)
  }
  return {
    put: (cooldown) => ignoreFailure(() => cooldowns.put(cooldown)),
    remove: (name) => ignoreFailure(() => cooldowns.remove(name)),
    list: () => breaker.run(() => cooldowns.list()),
  }
}

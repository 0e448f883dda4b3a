import type { AnswerStore, CachedAnswer } from './answers.js'
import type { StoreCircuitBreaker } from './circuit-breaker.js'
import type { CooldownStore } from './cooldowns.js'
import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from './ledger.js'
import type { LimitScope, LimitStore, LimitTake, Taken } from './limits.js'

/** What becomes of calls while a store does not answer: they go on without it, or are refused. */
export type StoreRule = 'allow' | 'refuse'

/** What a call has taken, and of whom: there it is given back. */
export interface Grant {
  readonly taken: Taken
  readonly from: LimitStore
}

/** Where limits are counted. */
export interface LimitSource {
  /** @throws {StoreDown} */
  take(scopes: readonly LimitScope[], draw: LimitTake): Grant | Promise<Grant>
}

/** Limits that are counted here and nowhere else. */
export function localLimits(store: LimitStore): LimitSource {
  return { take: (scopes, draw) => ({ taken: store.take(scopes, draw) as Taken, from: store }) }
}

/** Limits that several processes share; while their store is away, each keeps them for itself. */
export class SharedLimits implements LimitSource {
  readonly #remote: LimitStore
  readonly #local: LimitStore
  readonly #trouble: StoreCircuitBreaker
  readonly #rule: StoreRule

  constructor(stores: { remote: LimitStore; local: LimitStore }, trouble: StoreCircuitBreaker, rule: StoreRule) {
    const { remote, local } = stores
    this.#remote = {
      take: (scopes, draw) => remote.take(scopes, draw),
      giveBack: (scopes, draw) => void trouble.owe(() => remote.giveBack(scopes, draw)),
    }
    this.#local = local
    this.#trouble = trouble
    this.#rule = rule
  }

  async take(scopes: readonly LimitScope[], draw: LimitTake): Promise<Grant> {
    const remote = this.#remote
    try {
      const late = ({ met }: Taken): void => {
        if (!met) void remote.giveBack(scopes, draw)
      }
      return { taken: await this.#trouble.ask(() => remote.take(scopes, draw), late), from: remote }
    } catch (error) {
      if (this.#rule === 'refuse') throw error
      return { taken: await this.#local.take(scopes, draw), from: this.#local }
    }
  }
}

/** A ledger on another machine, or in a file. */
export class ResilientLedger implements LedgerStore {
  readonly #ledger: LedgerStore
  readonly #trouble: StoreCircuitBreaker
  readonly #rule: StoreRule

  constructor(ledger: LedgerStore, trouble: StoreCircuitBreaker, rule: StoreRule) {
    this.#ledger = ledger
    this.#trouble = trouble
    this.#rule = rule
  }

  /** @throws {StoreDown} unless calls may go on without it: then what they cost is charged when it answers again */
  async reserve(hold: Reservation): Promise<SpendingCap | undefined> {
    const refuses = this.#rule === 'refuse'
    try {
      const late = refuses ? (): void => this.settle(hold, 0) : undefined
      return await this.#trouble.ask(() => this.#ledger.reserve(hold), late)
    } catch (error) {
      if (refuses) throw error
      return undefined
    }
  }

  settle(hold: Reservation, nanos: Nanos): void {
    void this.#trouble.owe(() => this.#ledger.settle(hold, nanos))
  }

  balance(account: string, period: string): Promise<Balance> {
    return this.#trouble.ask(() => this.#ledger.balance(account, period))
  }
}

/** Kept answers on another machine: without them there is nothing to replay, and nothing else is lost. */
export class ResilientAnswerStore implements AnswerStore {
  readonly #answers: AnswerStore
  readonly #trouble: StoreCircuitBreaker

  constructor(answers: AnswerStore, trouble: StoreCircuitBreaker) {
    this.#answers = answers
    this.#trouble = trouble
  }

  get(key: string): Promise<CachedAnswer | undefined> {
    return this.#trouble.ask(() => this.#answers.get(key)).catch(() => undefined)
  }

  async set(key: string, answer: CachedAnswer, ms: number): Promise<void> {
    // A long answer may take its time: nobody waits for it, so that is no trouble, for limits and money least of all.
    await this.#trouble.attempt(() => this.#answers.set(key, answer, ms))
  }
}

/** What rests elsewhere. What cannot be told is not told; to ask may fail. */
export function resilientCooldowns(rests: CooldownStore, trouble: StoreCircuitBreaker): CooldownStore {
  const quiet = async (work: () => unknown): Promise<void> => {
    await trouble.ask(work).catch(() => undefined)
  }
  return {
    put: (rest) => quiet(() => rests.put(rest)),
    remove: (name) => quiet(() => rests.remove(name)),
    list: () => trouble.ask(() => rests.list()),
  }
}

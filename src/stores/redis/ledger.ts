import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'
import {
  createConnection,
  type RedisClient,
  type RedisConnection,
  type RedisOptions,
  type RedisScript,
} from './client.js'
import { releaseAllScript, releaseScript, reserveScript, restoreScript, settleScript } from './ledger-script.js'
import { type LeaseOptions, ProcessLease, renewScript } from './process-lease.js'

/** The shortest time between two looks for dead processes. */
const SWEEP_INTERVAL_MS = 3000

/**
 * Accounts that several processes share. They last as long as Redis keeps its data. Each step is one round trip. Soon
 * after the lease of a dead process has expired, the next reservation of any process releases what it held.
 */
export class RedisLedger implements LedgerStore {
  readonly #connection: RedisConnection
  readonly #lease: ProcessLease
  readonly #reservations = new Map<string, Reservation>()
  /**
   * For reservations whose last step failed, so that Redis may have done it or not: the step that corrects Redis, by id
   * of the reservation. Each may run twice without harm.
   */
  readonly #corrections = new Map<string, () => Promise<unknown>>()

  constructor(client: RedisClient, options: RedisOptions & LeaseOptions = {}) {
    this.#connection = createConnection(client, options)
    this.#lease = new ProcessLease(options, {
      restore: () => this.#restore(),
      renew: () => this.#renew(),
      hasEntries: () => this.#reservations.size > 0 || this.#corrections.size > 0,
    })
  }

  async reserve(reservation: Reservation): Promise<SpendingCap | undefined> {
    const { id, caps } = reservation
    if (caps.length === 0) return undefined
    const limits = caps.map(({ limitNanos }) => String(limitNanos))
    const args = [id, detailsOf(reservation), String(SWEEP_INTERVAL_MS), ...limits]
    const reserve = () => this.#lease.run(reserveScript, this.#connection, [this.#key('processes')], args)
    const release = () => this.#run(releaseScript, [this.#lease.id, id])
    const capNumber = Number(await this.#try(id, reserve, release))
    if (capNumber > 0) return caps[capNumber - 1]
    this.#reservations.set(id, reservation)
    this.#lease.startTimer()
    return undefined
  }

  async settle(reservation: Reservation, costNanos: Nanos): Promise<void> {
    const { id, caps } = reservation
    if (caps.length === 0) return
    this.#reservations.delete(id)
    const settle = () => this.#run(settleScript, [id, detailsOf(reservation), String(costNanos)])
    await this.#try(id, settle, settle)
  }

  async balance(account: string, period: string): Promise<Balance> {
    const key = this.#key(`account:${accountName({ account, period })}`)
    const reply = await this.#connection.send(['HMGET', key, 'spent', 'held'])
    const [spent, held] = Array.isArray(reply) ? reply : []
    return { spent: Number(spent ?? 0), held: Number(held ?? 0) }
  }

  /** Releases the reservations of this process. Later settlements are still charged. */
  async close(): Promise<void> {
    this.#lease.stopTimer()
    this.#reservations.clear()
    await this.#runCorrections()
    await this.#run(releaseAllScript, [this.#lease.id])
  }

  /** Runs a step. If it fails, the caller gets the error, and the correction runs when Redis answers again. */
  async #try(id: string, step: () => Promise<unknown>, correction: () => Promise<unknown>): Promise<unknown> {
    try {
      const reply = await step()
      this.#corrections.delete(id)
      return reply
    } catch (error) {
      this.#corrections.set(id, correction)
      this.#lease.startTimer()
      throw error
    }
  }

  #restore(): Promise<unknown> {
    const args = [...this.#reservations.values()].flatMap((reservation) => [reservation.id, detailsOf(reservation)])
    return this.#run(restoreScript, [this.#lease.id, ...args])
  }

  async #renew(): Promise<unknown> {
    const reply = await this.#run(renewScript, [this.#lease.id])
    await this.#runCorrections()
    return reply
  }

  async #runCorrections(): Promise<void> {
    for (const [id, correction] of this.#corrections) {
      await correction()
      // Meanwhile a newer step may have failed, which has set another correction.
      if (this.#corrections.get(id) === correction) this.#corrections.delete(id)
    }
  }

  #run(script: RedisScript, args: readonly string[]): Promise<unknown> {
    return script(this.#connection.send, [this.#key('processes')], args)
  }

  #key(name: string): string {
    return `${this.#connection.prefix}ledger:${name}`
  }
}

/** The details of a reservation, as the scripts read them. */
function detailsOf({ amountNanos, caps }: Reservation): string {
  return JSON.stringify({ nanos: String(amountNanos), accounts: caps.map(accountName) })
}

/** Starts with the account's length, so that no two pairs of account and period have the same name. */
function accountName({ account, period }: Pick<SpendingCap, 'account' | 'period'>): string {
  return `${account.length}:${account}:${period}`
}

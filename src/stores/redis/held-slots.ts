import type { LimitScope } from '../limits.js'
import type { RedisConnection } from './client.js'
import { releaseSlotsScript, writeSlotsScript } from './limits-script.js'
import { type LeasedEntries, type LeaseOptions, ProcessLease, renewScript } from './process-lease.js'

/**
 * The concurrency slots that this process holds, by scope. It writes them to Redis again when Redis has forgotten them,
 * and from time to time, which corrects Redis after a reply was lost.
 */
export class HeldSlots implements LeasedEntries {
  readonly lease: ProcessLease
  readonly #connection: RedisConnection
  readonly #counts = new Map<string, number>()
  /** While a step is running, Redis may already count slots that this process does not count yet. */
  #runningSteps = 0

  constructor(connection: RedisConnection, options: LeaseOptions) {
    this.#connection = connection
    this.lease = new ProcessLease(options, this)
  }

  /** Runs a step that changes the slots of these scopes. If it fails, Redis may have done it or not. */
  async track<Result>(scopes: readonly LimitScope[], step: () => Promise<Result>): Promise<Result> {
    this.#runningSteps++
    try {
      return await step()
    } catch (error) {
      this.add(scopes, 0)
      throw error
    } finally {
      this.#runningSteps--
    }
  }

  /** A count of 0 stays until the next write has corrected Redis. */
  add(scopes: readonly LimitScope[], slots: number): void {
    for (const { name, concurrency } of scopes) {
      if (concurrency !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + slots)
    }
    this.lease.startTimer()
  }

  remove(scopes: readonly LimitScope[], slots: number): void {
    for (const { name } of scopes) {
      const remaining = (this.#counts.get(name) ?? 0) - slots
      if (remaining > 0) this.#counts.set(name, remaining)
      else this.#counts.delete(name)
    }
  }

  hasEntries(): boolean {
    return this.#counts.size > 0
  }

  restore(): Promise<unknown> {
    return this.#write({ onlyIfExpired: true })
  }

  renew(): Promise<unknown> {
    const { send, prefix } = this.#connection
    if (this.#runningSteps > 0) return renewScript(send, [processesKey(prefix)], [this.lease.id])
    return this.#write({ onlyIfExpired: false })
  }

  async releaseAll(): Promise<void> {
    const { send } = this.#connection
    this.lease.stopTimer()
    const keys = this.#keys()
    this.#counts.clear()
    await releaseSlotsScript(send, keys, [this.lease.id])
  }

  async #write({ onlyIfExpired }: { onlyIfExpired: boolean }): Promise<void> {
    const { send } = this.#connection
    const written = [...this.#counts]
    const counts = written.map(([, count]) => String(count))
    await writeSlotsScript(send, this.#keys(), [this.lease.id, onlyIfExpired ? '1' : '0', ...counts])
    if (onlyIfExpired) return
    for (const [name, count] of written) if (count === 0 && this.#counts.get(name) === 0) this.#counts.delete(name)
  }

  #keys(): string[] {
    const { prefix } = this.#connection
    return [processesKey(prefix), ...[...this.#counts.keys()].map((name) => slotsKey(prefix, name))]
  }
}

/** Key of the leases of processes that hold slots. */
export function processesKey(prefix: string): string {
  return `${prefix}limits:processes`
}

/** Key of the slots of a scope, by process. */
export function slotsKey(prefix: string, scope: string): string {
  return `${prefix}limits:slots:${scope}`
}

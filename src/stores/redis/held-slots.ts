import type { LimitScope } from '../limits.js'
import type { Connection } from './client.js'
import { leaveScript, writeSlotsScript } from './limits-script.js'
import { type LeaseOptions, ProcessLease, renewScript, type Tenancy } from './process-lease.js'

/**
 * The slots that this process holds, by scope, as it knows itself. Redis is told anew when it has forgotten them, and
 * now and then, so that a step whose answer was lost is put right.
 */
export class HeldSlots implements Tenancy {
  readonly lease: ProcessLease
  readonly #connection: Connection
  readonly #counts = new Map<string, number>()
  /** Steps on their way: while there are any, Redis may know more than this process. */
  #underWay = 0

  constructor(connection: Connection, options: LeaseOptions) {
    this.#connection = connection
    this.lease = new ProcessLease(options, this)
  }

  /** Counts a step of these scopes until its answer has come. One that fails may have been done or not. */
  async during<Answer>(scopes: readonly LimitScope[], step: () => Promise<Answer>): Promise<Answer> {
    this.#underWay++
    try {
      return await step()
    } catch (error) {
      this.add(scopes, 0)
      throw error
    } finally {
      this.#underWay--
    }
  }

  /** A count of 0 is one to be told to Redis yet. */
  add(scopes: readonly LimitScope[], slots: number): void {
    for (const { name, concurrency } of scopes) {
      if (concurrency !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + slots)
    }
    this.lease.keep()
  }

  remove(scopes: readonly LimitScope[], slots: number): void {
    for (const { name } of scopes) {
      const left = (this.#counts.get(name) ?? 0) - slots
      if (left > 0) this.#counts.set(name, left)
      else this.#counts.delete(name)
    }
  }

  isNeeded(): boolean {
    return this.#counts.size > 0
  }

  revive(): Promise<unknown> {
    return this.#write('1')
  }

  renew(): Promise<unknown> {
    const { send, prefix } = this.#connection
    return this.#underWay > 0 ? renewScript(send, [processesKey(prefix)], [this.lease.id]) : this.#write('0')
  }

  /** Gives up all slots. */
  async leave(): Promise<void> {
    const { send } = this.#connection
    this.lease.stop()
    const keys = this.#keys()
    this.#counts.clear()
    await leaveScript(send, keys, [this.lease.id])
  }

  async #write(onlyLapsed: '1' | '0'): Promise<void> {
    const { send } = this.#connection
    const told = [...this.#counts]
    await writeSlotsScript(send, this.#keys(), [this.lease.id, onlyLapsed, ...told.map(([, count]) => String(count))])
    if (onlyLapsed === '1') return
    for (const [name, count] of told) if (count === 0 && this.#counts.get(name) === 0) this.#counts.delete(name)
  }

  #keys(): string[] {
    const { prefix } = this.#connection
    return [processesKey(prefix), ...[...this.#counts.keys()].map((name) => slotsKey(prefix, name))]
  }
}

/** The leases of processes that hold slots. */
export function processesKey(prefix: string): string {
  return `${prefix}limits:processes`
}

/** A scope's slots, by process. */
export function slotsKey(prefix: string, scope: string): string {
  return `${prefix}limits:slots:${scope}`
}

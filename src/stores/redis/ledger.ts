import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'
import { type Connection, connectionOf, type RedisClient, type RedisOptions, type Script } from './client.js'
import { leaveScript, letGoScript, reserveScript, reviveScript, settleScript } from './ledger-script.js'
import { type LeaseOptions, ProcessLease, renewScript, type Tenancy } from './process-lease.js'

/** Processes that have died are looked for no more often than this, in ms. */
const SWEEP_MS = 3000

/**
 * Accounts that many processes share; they last as long as Redis keeps its data. Each step is one round trip. Holds of a
 * process that has died are released soon after its lease is over, with anybody's next reservation.
 */
export class RedisLedger implements LedgerStore {
  readonly #connection: Connection
  readonly #lease: ProcessLease
  readonly #open = new Map<string, Reservation>()
  /** Steps that have failed, by hold, and may have been done or not. Each may be done twice without harm. */
  readonly #overdue = new Map<string, () => Promise<unknown>>()

  constructor(client: RedisClient, options: RedisOptions & LeaseOptions = {}) {
    this.#connection = connectionOf(client, options)
    const tenancy: Tenancy = {
      revive: () => this.#revive(),
      renew: () => this.#renew(),
      isNeeded: () => this.#open.size > 0 || this.#overdue.size > 0,
    }
    this.#lease = new ProcessLease(options, tenancy)
  }

  async reserve(hold: Reservation): Promise<SpendingCap | undefined> {
    const { id, caps } = hold
    if (caps.length === 0) return undefined
    const words = [id, detailsOf(hold), String(SWEEP_MS), ...caps.map(({ nanos }) => String(nanos))]
    const step = () => this.#lease.run(reserveScript, this.#connection, [this.#base('processes')], words)
    const refusal = Number(await this.#try(id, step, () => this.#run(letGoScript, [this.#lease.id, id])))
    if (refusal > 0) return caps[refusal - 1]
    this.#open.set(id, hold)
    this.#lease.keep()
    return undefined
  }

  async settle(hold: Reservation, nanos: Nanos): Promise<void> {
    if (hold.caps.length === 0) return
    this.#open.delete(hold.id)
    const step = () => this.#run(settleScript, [hold.id, detailsOf(hold), String(nanos)])
    await this.#try(hold.id, step, step)
  }

  async balance(account: string, period: string): Promise<Balance> {
    const key = this.#base(`account:${accountName({ account, period })}`)
    const answer = await this.#connection.send(['HMGET', key, 'spent', 'held'])
    const [spent, held] = Array.isArray(answer) ? answer : []
    return { spent: Number(spent ?? 0), held: Number(held ?? 0) }
  }

  /** Releases what this process holds. What is settled afterwards is charged all the same. */
  async close(): Promise<void> {
    this.#lease.stop()
    this.#open.clear()
    await this.#catchUp()
    await this.#run(leaveScript, [this.#lease.id])
  }

  /** A step that fails is told to the caller, and made good when Redis is there again. */
  async #try(id: string, step: () => Promise<unknown>, remedy: () => Promise<unknown>): Promise<unknown> {
    try {
      const answer = await step()
      this.#overdue.delete(id)
      return answer
    } catch (error) {
      this.#overdue.set(id, remedy)
      this.#lease.keep()
      throw error
    }
  }

  #revive(): Promise<unknown> {
    const holds = [...this.#open.values()].flatMap((hold) => [hold.id, detailsOf(hold)])
    return this.#run(reviveScript, [this.#lease.id, ...holds])
  }

  async #renew(): Promise<unknown> {
    const answer = await this.#run(renewScript, [this.#lease.id])
    await this.#catchUp()
    return answer
  }

  async #catchUp(): Promise<void> {
    for (const [id, remedy] of this.#overdue) {
      await remedy()
      // Something newer may have failed meanwhile.
      if (this.#overdue.get(id) === remedy) this.#overdue.delete(id)
    }
  }

  #run(script: Script, words: readonly string[]): Promise<unknown> {
    return script(this.#connection.send, [this.#base('processes')], words)
  }

  #base(name: string): string {
    return `${this.#connection.prefix}ledger:${name}`
  }
}

/** What a hold consists of, as the scripts read it. */
function detailsOf({ nanos, caps }: Reservation): string {
  return JSON.stringify({ nanos: String(nanos), accounts: caps.map(accountName) })
}

/** The length of the first part is told, so that no two pairs give the same name. */
function accountName({ account, period }: Pick<SpendingCap, 'account' | 'period'>): string {
  return `${account.length}:${account}:${period}`
}

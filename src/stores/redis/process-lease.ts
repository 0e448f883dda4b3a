import { randomText } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import { createScript, type RedisConnection, type RedisScript } from './client.js'

/** Options of a store whose entries end with the process that made them. */
export interface LeaseOptions {
  /** A process counts as dead when it has given no sign of life for this long, in ms. Default: 15,000. */
  readonly leaseMs?: number | undefined
}

const DEFAULT_LEASE_MS = 15_000

/** How often a step is repeated because the lease had expired. Each time the process must have paused again. */
const MAX_RESTORES = 5

/**
 * Lua functions for leases. `now` is the server's time in whole µs, which a Lua number holds exactly. KEYS[1] is a
 * sorted set: the id of each process with the end of its lease. An id begins with the length of the lease in ms, so
 * processes may have different lengths.
 */
export const leaseFunctions = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function leaseOf(id)
  return string.match(id, '^%d+') * 1000
end

local function renew(id)
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + leaseOf(id)), id)
end

local function isAlive(id)
  local remaining = (redis.call('ZSCORE', KEYS[1], id) or 0) - now
  -- If the server's clock has gone back, no lease becomes longer than it was.
  if remaining > leaseOf(id) then renew(id) end
  return remaining > 0
end
`

/** The reply of a script that has done nothing, because the lease of the calling process has expired. */
export const LEASE_EXPIRED = 'expired'

/** ARGV: process. Renews its lease. */
export const renewScript: RedisScript = createScript(`${leaseFunctions}
if not isAlive(ARGV[1]) then return '${LEASE_EXPIRED}' end
renew(ARGV[1])
`)

/** The entries of this process in one store, which need a lease. */
export interface LeasedEntries {
  /** Writes all entries again with a new lease. Does nothing if the lease has not expired after all. */
  restore(): Promise<unknown>
  /** Renews the lease while the process does nothing else. Returns {@link LEASE_EXPIRED} if it is too late. */
  renew(): Promise<unknown>
  hasEntries(): boolean
}

/**
 * The lease of this process in one store: its entries count as long as the lease runs. The lease is renewed together
 * with other commands, and by a timer while the process has entries. If the lease expires although the process lives,
 * the next command restores all entries.
 */
export class ProcessLease {
  /** New at each start, so a process that has died never comes back. */
  readonly id: string
  readonly #leaseMs: number
  readonly #entries: LeasedEntries
  #renewedAt = Number.NEGATIVE_INFINITY
  #restoring: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ leaseMs = DEFAULT_LEASE_MS }: LeaseOptions, entries: LeasedEntries) {
    this.#leaseMs = Math.max(1, Math.round(leaseMs))
    this.id = `${this.#leaseMs}-${randomText(20)}`
    this.#entries = entries
  }

  /** Runs a script that needs the lease. Its first two arguments are the process and whether to renew the lease. */
  async run(
    script: RedisScript,
    { send }: RedisConnection,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    for (let restores = 0; restores <= MAX_RESTORES; restores++) {
      const reply = await script(send, keys, [this.id, this.#takeRenewal(), ...args])
      if (reply !== LEASE_EXPIRED) return reply
      await this.#restore()
    }
    throw new Error('the lease in Redis expires as soon as it is renewed')
  }

  /** Renews the lease by a timer while there are entries. The timer does not keep the process running. */
  startTimer(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#leaseMs / 3).unref()
  }

  stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#renewedAt = Number.NEGATIVE_INFINITY
  }

  /** Whether the next script should renew the lease, as its argument. Counts the lease as renewed. */
  #takeRenewal(): '1' | '0' {
    if (now() - this.#renewedAt < this.#leaseMs / 3) return '0'
    this.#renewedAt = now()
    return '1'
  }

  #tick(): void {
    if (!this.#entries.hasEntries()) return this.stopTimer()
    // If Redis cannot be reached, the next tick tries again. Calls that take something learn of the failure themselves.
    this.#renew().catch(() => undefined)
  }

  async #renew(): Promise<void> {
    this.#renewedAt = now()
    if ((await this.#entries.renew()) === LEASE_EXPIRED) await this.#restore()
  }

  /** Several calls may find at the same time that the lease has expired. They share one restore. */
  #restore(): Promise<unknown> {
    this.#restoring ??= this.#entries.restore().finally(() => {
      this.#restoring = undefined
    })
    return this.#restoring
  }
}

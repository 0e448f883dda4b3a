import { randomText } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import { type Connection, type Script, scriptOf } from './client.js'

/** What a store is told whose entries end with the process that made them. */
export interface LeaseOptions {
  /** How long after its last sign of life a process counts as dead. 15,000 when left out. */
  readonly leaseMs?: number | undefined
}

const DEFAULT_LEASE_MS = 15_000

/** How many times a step is tried anew after the lease had lapsed: each time another pause must have come in between. */
const MOST_REVIVALS = 5

/**
 * What scripts know of leases, by the server's clock (`now`, in whole µs, which Lua's numbers hold exactly). Their first
 * key is a sorted set of processes by the end of their leases. A process's id begins with its lease in ms, so that each
 * may have its own.
 */
export const leaseScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function leaseOf(id)
  return string.match(id, '^%d+') * 1000
end

local function renew(id)
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + leaseOf(id)), id)
end

local function isAlive(id)
  local left = (redis.call('ZSCORE', KEYS[1], id) or 0) - now
  -- The server's clock has gone back: nobody's lease is longer for it.
  if left > leaseOf(id) then renew(id) end
  return left > 0
end
`

/** What a script answers when the lease of the process that calls it has lapsed: then it has done nothing. */
export const LAPSED = 'lapsed'

/** Renews a process's lease and does nothing else. */
export const renewScript: Script = scriptOf(`${leaseScript}
if not isAlive(ARGV[1]) then return '${LAPSED}' end
renew(ARGV[1])
`)

/** What a store does about its lease. */
export interface Tenancy {
  /** Writes anew all that the process has, with a new lease; nothing if the lease runs after all. */
  revive(): Promise<unknown>
  /** A sign of life of a process that does nothing else just now. Answers {@link LAPSED} if it comes too late. */
  renew(): Promise<unknown>
  /** Whether there is anything to keep a lease for. */
  isNeeded(): boolean
}

/**
 * A process's sign of life in Redis: what it has there counts as long as its lease runs. It is renewed along with what
 * the process does anyway, and by a timer while it has anything. A process that was thought dead comes back with all it has.
 */
export class ProcessLease {
  /** New with each start: a process that has died never comes back. */
  readonly id: string
  readonly #ms: number
  readonly #tenancy: Tenancy
  #renewedAt = Number.NEGATIVE_INFINITY
  #revival: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ leaseMs = DEFAULT_LEASE_MS }: LeaseOptions, tenancy: Tenancy) {
    this.#ms = Math.max(1, Math.round(leaseMs))
    this.id = `${this.#ms}-${randomText(20)}`
    this.#tenancy = tenancy
  }

  /** For a script: whether it should renew the lease, as one word. It is taken as renewed. */
  due(): '1' | '0' {
    if (now() - this.#renewedAt < this.#ms / 3) return '0'
    this.#renewedAt = now()
    return '1'
  }

  /** Runs a step that needs the lease, with its first two arguments: the process and whether to renew. */
  async run(script: Script, { send }: Connection, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    for (let revivals = 0; revivals <= MOST_REVIVALS; revivals++) {
      const answer = await script(send, keys, [this.id, this.due(), ...args])
      if (answer !== LAPSED) return answer
      await this.#revive()
    }
    throw new Error('The lease in Redis lapses as soon as it is renewed')
  }

  /** Keeps the lease alive until it is needed no more. The timer keeps no process running. */
  keep(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#ms / 3).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#renewedAt = Number.NEGATIVE_INFINITY
  }

  #tick(): void {
    if (!this.#tenancy.isNeeded()) return this.stop()
    // A server that cannot be reached is tried again at the next tick; whoever takes something is told.
    this.#renew().catch(() => undefined)
  }

  async #renew(): Promise<void> {
    this.#renewedAt = now()
    if ((await this.#tenancy.renew()) === LAPSED) await this.#revive()
  }

  /** Many may find at once that the lease has lapsed. */
  #revive(): Promise<unknown> {
    this.#revival ??= this.#tenancy.revive().finally(() => {
      this.#revival = undefined
    })
    return this.#revival
  }
}

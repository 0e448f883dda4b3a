import type { LimitMet, LimitScope, LimitState, LimitStore, LimitTake, Taken } from '../limits.js'
import { type Connection, connectionOf, type RedisClient, type RedisOptions } from './client.js'
import { HeldSlots, processesKey, slotsKey } from './held-slots.js'
import { giveBackScript, takeScript } from './limits-script.js'
import type { LeaseOptions } from './process-lease.js'

/**
 * Limits that many processes share. To take is one round trip and one atomic step, by the server's clock. Slots of a
 * process that has died are free again when its lease is over.
 */
export class RedisLimits implements LimitStore {
  readonly #connection: Connection
  readonly #held: HeldSlots

  constructor(client: RedisClient, options: RedisOptions & LeaseOptions = {}) {
    this.#connection = connectionOf(client, options)
    this.#held = new HeldSlots(this.#connection, options)
  }

  async take(scopes: readonly LimitScope[], draw: LimitTake): Promise<Taken> {
    const limited = scopes.filter(isLimited)
    if (limited.length === 0) return { met: undefined, requests: undefined, tokens: undefined }
    if (!takesSlots(limited, draw)) return this.#takeUnits(limited, draw)
    return this.#takeSlots(limited, draw)
  }

  async giveBack(scopes: readonly LimitScope[], draw: LimitTake): Promise<void> {
    const limited = scopes.filter(isLimited)
    if (limited.length === 0) return
    const { send } = this.#connection
    const step = () => giveBackScript(send, this.#keys(limited), [this.#held.lease.id, '', ...wordsOf(limited, draw)])
    if (!takesSlots(limited, draw)) return void (await step())
    this.#held.remove(limited, draw.slots)
    await this.#held.during(limited, step)
  }

  /** Gives up the slots of this process. */
  async close(): Promise<void> {
    await this.#held.leave()
  }

  async #takeUnits(scopes: readonly LimitScope[], draw: LimitTake): Promise<Taken> {
    const words = ['', '', ...wordsOf(scopes, { ...draw, slots: 0 })]
    return readTaken(scopes, await takeScript(this.#connection.send, this.#keys(scopes), words))
  }

  #takeSlots(scopes: readonly LimitScope[], draw: LimitTake): Promise<Taken> {
    return this.#held.during(scopes, async () => {
      const words = wordsOf(scopes, draw)
      const taken = readTaken(
        scopes,
        await this.#held.lease.run(takeScript, this.#connection, this.#keys(scopes), words),
      )
      if (!taken.met) this.#held.add(scopes, draw.slots)
      return taken
    })
  }

  #keys(scopes: readonly LimitScope[]): string[] {
    const { prefix } = this.#connection
    const own = scopes.flatMap(({ name }) => [`${prefix}limits:buckets:${name}`, slotsKey(prefix, name)])
    return [processesKey(prefix), ...own]
  }
}

function isLimited({ rpm, tpm, concurrency }: LimitScope): boolean {
  return rpm !== undefined || tpm !== undefined || concurrency !== undefined
}

function takesSlots(scopes: readonly LimitScope[], draw: LimitTake): boolean {
  return draw.slots > 0 && scopes.some(({ concurrency }) => concurrency !== undefined)
}

/** What the scripts are told; a limit that there is not is an empty word. */
function wordsOf(scopes: readonly LimitScope[], { requests, tokens, slots }: LimitTake): string[] {
  const limits = scopes.flatMap(({ rpm = '', tpm = '', concurrency = '' }) => [rpm, tpm, concurrency])
  return [requests, tokens, slots, ...limits].map(String)
}

/** Three words of what was met, three for each of the standings; scopes are counted from 1. */
function readTaken(scopes: readonly LimitScope[], answer: unknown): Taken {
  const words = String(answer).split(' ')
  return {
    met: readMet(scopes, words),
    requests: readStanding(scopes, words.slice(3), 'rpm'),
    tokens: readStanding(scopes, words.slice(6), 'tpm'),
  }
}

function readMet(scopes: readonly LimitScope[], [index, what, wait]: readonly string[]): LimitMet | undefined {
  const scope = scopes[Number(index) - 1]
  return scope && { scope, what: what as LimitMet['what'], retryAfterMs: Number(wait) }
}

function readStanding(
  scopes: readonly LimitScope[],
  [index, remaining, reset]: readonly string[],
  kind: 'rpm' | 'tpm',
): LimitState | undefined {
  const limit = scopes[Number(index) - 1]?.[kind]
  return limit === undefined ? undefined : { limit, remaining: Number(remaining), resetMs: Number(reset) }
}

import type { ExceededLimit, LimitScope, LimitState, LimitStore, LimitTake, TakeResult } from '../limits.js'
import { createConnection, type RedisClient, type RedisConnection, type RedisOptions } from './client.js'
import { HeldSlots, processesKey, slotsKey } from './held-slots.js'
import { giveBackScript, takeScript } from './limits-script.js'
import type { LeaseOptions } from './process-lease.js'

/**
 * Limits that several processes share. A take is one round trip and one atomic step, by the server's clock. The slots
 * of a process that has died become free when its lease expires.
 */
export class RedisLimits implements LimitStore {
  readonly #connection: RedisConnection
  readonly #heldSlots: HeldSlots

  constructor(client: RedisClient, options: RedisOptions & LeaseOptions = {}) {
    this.#connection = createConnection(client, options)
    this.#heldSlots = new HeldSlots(this.#connection, options)
  }

  async take(scopes: readonly LimitScope[], take: LimitTake): Promise<TakeResult> {
    const limited = scopes.filter(isLimited)
    if (limited.length === 0) return { exceeded: undefined, requests: undefined, tokens: undefined }
    if (!needsSlots(limited, take)) return this.#takeWithoutSlots(limited, take)
    return this.#takeWithSlots(limited, take)
  }

  async giveBack(scopes: readonly LimitScope[], take: LimitTake): Promise<void> {
    const limited = scopes.filter(isLimited)
    if (limited.length === 0) return
    const args = [this.#heldSlots.lease.id, '', ...takeArgs(limited, take)]
    const step = () => giveBackScript(this.#connection.send, this.#keys(limited), args)
    if (!needsSlots(limited, take)) return void (await step())
    this.#heldSlots.remove(limited, take.slots)
    await this.#heldSlots.track(limited, step)
  }

  /** Gives back all slots of this process. */
  async close(): Promise<void> {
    await this.#heldSlots.releaseAll()
  }

  async #takeWithoutSlots(scopes: readonly LimitScope[], take: LimitTake): Promise<TakeResult> {
    const args = ['', '', ...takeArgs(scopes, { ...take, slots: 0 })]
    return readResult(scopes, await takeScript(this.#connection.send, this.#keys(scopes), args))
  }

  #takeWithSlots(scopes: readonly LimitScope[], take: LimitTake): Promise<TakeResult> {
    return this.#heldSlots.track(scopes, async () => {
      const { lease } = this.#heldSlots
      const reply = await lease.run(takeScript, this.#connection, this.#keys(scopes), takeArgs(scopes, take))
      const result = readResult(scopes, reply)
      if (!result.exceeded) this.#heldSlots.add(scopes, take.slots)
      return result
    })
  }

  #keys(scopes: readonly LimitScope[]): string[] {
    const { prefix } = this.#connection
    const scopeKeys = scopes.flatMap(({ name }) => [`${prefix}limits:buckets:${name}`, slotsKey(prefix, name)])
    return [processesKey(prefix), ...scopeKeys]
  }
}

function isLimited({ rpm, tpm, concurrency }: LimitScope): boolean {
  return rpm !== undefined || tpm !== undefined || concurrency !== undefined
}

function needsSlots(scopes: readonly LimitScope[], take: LimitTake): boolean {
  return take.slots > 0 && scopes.some(({ concurrency }) => concurrency !== undefined)
}

/** Arguments of the scripts. A limit that does not exist is an empty string. */
function takeArgs(scopes: readonly LimitScope[], { requests, tokens, slots }: LimitTake): string[] {
  const limits = scopes.flatMap(({ rpm = '', tpm = '', concurrency = '' }) => [rpm, tpm, concurrency])
  return [requests, tokens, slots, ...limits].map(String)
}

/** Reads three words for the exceeded limit, three for requests, three for tokens. Scopes are counted from 1. */
function readResult(scopes: readonly LimitScope[], reply: unknown): TakeResult {
  const words = String(reply).split(' ')
  return {
    exceeded: readExceeded(scopes, words),
    requests: readState(scopes, words.slice(3), 'rpm'),
    tokens: readState(scopes, words.slice(6), 'tpm'),
  }
}

function readExceeded(
  scopes: readonly LimitScope[],
  [scopeNumber, kind, waitMs]: readonly string[],
): ExceededLimit | undefined {
  const scope = scopes[Number(scopeNumber) - 1]
  return scope && { scope, kind: kind as ExceededLimit['kind'], retryAfterMs: Number(waitMs) }
}

function readState(
  scopes: readonly LimitScope[],
  [scopeNumber, remaining, resetMs]: readonly string[],
  field: 'rpm' | 'tpm',
): LimitState | undefined {
  const limit = scopes[Number(scopeNumber) - 1]?.[field]
  return limit === undefined ? undefined : { limit, remaining: Number(remaining), resetMs: Number(resetMs) }
}

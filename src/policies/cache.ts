import { hash } from 'node:crypto'
import type { Call } from '../call.js'
import type { Config } from '../config.js'
import type { Operation } from '../endpoints.js'
import { canonicalJson } from '../lib/canonical.js'
import { latin1 } from '../lib/json.js'
import type { Reply } from '../upstream/reply.js'
import type { Produce } from './flight.js'
import type { Plan } from './route.js'
import type { Shelf } from './shelf.js'

/** Which requests are answered from the cache. */
export type CachePolicy = Pick<NonNullable<Config['cache']>, 'temperature' | 'tools'>

/** Where answers are kept. */
export interface Shelves {
  /** Undefined where there is no cache. */
  readonly cache: { readonly shelf: Shelf; readonly policy: CachePolicy } | undefined
  readonly idempotency: Shelf
}

/** Operations whose answers are not worth keeping. */
const UNCACHED: ReadonlySet<Operation> = new Set<Operation>(['count'])
/** So many bodies are remembered with what they come to. */
const MOST_BODIES = 10_000

/** Answers calls from what has been answered before, each caller's from its own only. */
export class Cache {
  readonly #shelves: Shelves
  /** Digests of bodies as they came, and of what they say. */
  readonly #bodies = new Map<string, string>()

  constructor(shelves: Shelves) {
    this.#shelves = shelves
  }

  /** Has a call answered; by `produce` when there is no other way. @throws {RelayError} */
  answer(call: Call, plan: Plan, produce: Produce): Promise<Reply> {
    const { cache, idempotency } = this.#shelves
    const { idempotencyKey, caller } = call
    const maxAgeMs = cache && isCacheable(call, cache.policy) ? maxAgeOf(call.cacheControl) : undefined
    if (maxAgeMs === undefined && idempotencyKey === undefined) return produce(call)
    const fingerprint = this.#fingerprint(call, plan)
    const cached: Produce = (own) =>
      maxAgeMs === undefined || !cache
        ? produce(own)
        : cache.shelf.serve(own, { key: `answer:${fingerprint}`, fingerprint, maxAgeMs }, produce)
    if (idempotencyKey === undefined) return cached(call)
    const key = `idempotent:${hash('sha256', tenantText(caller.id) + idempotencyKey)}`
    return idempotency.serve(call, { key, fingerprint, maxAgeMs: Number.POSITIVE_INFINITY }, cached)
  }

  /** Stands for all that the answer depends on. The tenant comes first, with its length, so that no two ever agree. */
  #fingerprint({ caller, operation, protocol, facts, passedHeaders, body }: Call, { targets }: Plan): string {
    const { model, stream, isFramed = false } = facts
    const about = [operation, protocol.id, model, stream, isFramed, passedHeaders, targets.map(({ name }) => name)]
    return hash('sha256', `${tenantText(caller.id)}${JSON.stringify(about)}${this.#digest(body)}`)
  }

  #digest(body: Buffer): string {
    const raw = hash('sha256', body)
    const known = this.#bodies.get(raw)
    if (known !== undefined) return known
    const digest = hash('sha256', Buffer.from(canonicalJson(latin1(body)), 'latin1'))
    if (this.#bodies.size >= MOST_BODIES) this.#bodies.clear()
    this.#bodies.set(raw, digest)
    return digest
  }
}

function tenantText(id: string): string {
  return `${id.length}:${id}`
}

function isCacheable({ operation, facts }: Call, { temperature, tools }: CachePolicy): boolean {
  if (UNCACHED.has(operation) || (facts.usesTools && !tools)) return false
  // Of several streamed at once, one that was filtered long before the end could go unseen.
  if (facts.stream && facts.choices > 1) return false
  return temperature === 'any' || facts.temperature === 0
}

/** How old an answer may be, in ms, by a request's `cache-control`. Undefined when it wants none of this. */
function maxAgeOf(control: string | undefined): number | undefined {
  if (control === undefined) return Number.POSITIVE_INFINITY
  const words = control.toLowerCase()
  if (/\bno-store\b/.test(words)) return undefined
  if (/\bno-cache\b/.test(words)) return 0
  const seconds = /\bmax-age=(\d+)/.exec(words)?.[1]
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000
}

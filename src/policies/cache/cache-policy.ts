import { hash } from 'node:crypto'
import type { Call } from '../../call.js'
import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import type { Operation } from '../../endpoints.js'
import { digestChunks } from '../../lib/byte-chunks.js'
import { canonicalJson } from '../../lib/canonical.js'
import { latin1 } from '../../lib/json.js'
import { isMultipart } from '../../lib/multipart.js'
import type { PathFacts, Protocol } from '../../protocols/protocol.js'
import type { RequestFacts } from '../../protocols/request-facts.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import type { RoutePlan } from '../routing/router.js'
import type { ResponseCache } from './response-cache.js'
import type { AnswerProducer } from './single-flight.js'

/** Which requests are answered from the cache. */
export type CacheRules = Pick<NonNullable<Config['cache']>, 'temperature' | 'tools'>

/** Where answers are kept. */
export interface ResponseCaches {
  /** Undefined where there is no cache. */
  readonly cache: { readonly responses: ResponseCache; readonly rules: CacheRules } | undefined
  readonly idempotency: ResponseCache
}

/** Operations whose answers are not worth keeping. */
const UNCACHED: ReadonlySet<Operation> = new Set<Operation>(['count'])
/** To digest a longer one takes longer than to parse it. */
const LONGEST_BODY = 1024 * 1024
const SHORT_BODY = 4096
/** So many bodies are remembered with what they come to. */
const MOST_BODIES = 4000

/** What is known of a body that has come before. */
interface Known {
  readonly facts: RequestFacts
  /** What it comes to, by who asks: see {@link CachePolicy}. */
  readonly fingerprints: WeakMap<Caller, Fingerprint>
  /** Stands for what it says, in whatever spelling; made when it is first wanted. */
  digest: string | undefined
}

/** What a body came to when it was last asked by a caller, and under which circumstances. */
interface Fingerprint {
  readonly plan: RoutePlan
  readonly passed: string
  readonly text: string
}

/** A request that is to be read. */
interface Unread {
  readonly body: Buffer
  readonly path: PathFacts
  readonly readFacts: Protocol['readFacts']
}

/** Answers calls from what has been answered before, each caller's from its own only. */
export class CachePolicy {
  readonly #shelves: ResponseCaches
  /** By language, path and digest of the bytes: a body that is answered from the cache need not be parsed again. */
  readonly #bodies = new Map<string, Known>()
  readonly #known = new WeakMap<RequestFacts, Known>()
  readonly #targets = new WeakMap<RoutePlan, string>()

  constructor(shelves: ResponseCaches) {
    this.#shelves = shelves
  }

  /** What is read of a request. `kind`: its endpoint and language. @throws {RelayError} naming the path at fault */
  readFacts(kind: string, { body, path, readFacts }: Unread): RequestFacts {
    // A query may hold a key, which has no place here.
    if (!this.#shelves.cache || path.query !== '' || body.length > LONGEST_BODY) return readFacts(body, path)
    // A short body is its own name: to compare it takes less than to digest it.
    const said = body.length > SHORT_BODY ? hash('sha256', body) : body.toString('latin1')
    const name = `${kind} ${path.stream} ${path.id}\n${said}`
    const seen = this.#bodies.get(name)
    if (seen) return seen.facts
    const known: Known = { facts: readFacts(body, path), fingerprints: new WeakMap(), digest: undefined }
    if (this.#bodies.size >= MOST_BODIES) this.#bodies.clear()
    this.#bodies.set(name, known)
    this.#known.set(known.facts, known)
    return known.facts
  }

  /** Has a call answered; by the producer when there is no other way. @throws {RelayError} */
  answer(call: Call, plan: RoutePlan, producer: AnswerProducer): Promise<Reply> {
    const { cache, idempotency } = this.#shelves
    const { idempotencyKey, caller } = call
    const maxAgeMs = cache && isCacheable(call, cache.rules) ? maxAgeOf(call.cacheControl) : undefined
    if (maxAgeMs === undefined && idempotencyKey === undefined) return producer.produce(call)
    const fingerprint = this.#fingerprint(call, plan)
    const cached = (own: Call): Promise<Reply> =>
      maxAgeMs === undefined || !cache
        ? producer.produce(own)
        : cache.responses.serve(own, { key: fingerprint, fingerprint, maxAgeMs }, producer)
    if (idempotencyKey === undefined) return cached(call)
    // No fingerprint begins like that: a tenant's does with a number.
    const asked = { key: `idempotent ${tenantText(caller.id)}${idempotencyKey}`, fingerprint, maxAgeMs: EVER }
    return idempotency.serve(call, asked, { produce: cached, failed: producer.failed })
  }

  /**
   * Stands for all that the answer depends on. The tenant comes first, and whatever others choose is told with its
   * length, so that no two requests ever come to the same.
   */
  #fingerprint(call: Call, plan: RoutePlan): string {
    const { caller, facts, forwardedHeaders } = call
    const passed = forwardedHeaders.length === 0 ? '' : JSON.stringify(forwardedHeaders)
    const fingerprints = this.#known.get(facts)?.fingerprints
    const last = fingerprints?.get(caller)
    if (last?.plan === plan && last.passed === passed) return last.text
    const text = this.#spell(call, plan, passed)
    fingerprints?.set(caller, { plan, passed, text })
    return text
  }

  #spell(call: Call, plan: RoutePlan, passed: string): string {
    const { caller, endpoint, protocol, facts } = call
    const { model, stream, usesOwnFraming = false } = facts
    const asked = `${endpoint} ${protocol.id} ${stream} ${usesOwnFraming} ${model.length}:${model} ${this.#targetsOf(plan)}`
    return `${tenantText(caller.id)}${asked} ${this.#digest(call)} ${passed}`
  }

  #targetsOf(plan: RoutePlan): string {
    let text = this.#targets.get(plan)
    if (text === undefined) {
      text = JSON.stringify(plan.targets.map(({ name }) => name))
      this.#targets.set(plan, text)
    }
    return text
  }

  #digest({ facts, form, body }: Call): string {
    // Of a form each byte may matter.
    if (form) return digestChunks(form)
    const known = this.#known.get(facts)
    if (known?.digest !== undefined) return known.digest
    const said = isMultipart(body) ? body : Buffer.from(canonicalJson(latin1(body)), 'latin1')
    const digest = hash('sha256', said)
    if (known) known.digest = digest
    return digest
  }
}

const EVER = Number.POSITIVE_INFINITY

function tenantText(id: string): string {
  return `${id.length}:${id}`
}

function isCacheable({ operation, facts }: Call, { temperature, tools }: CacheRules): boolean {
  if (UNCACHED.has(operation) || (facts.usesTools && !tools)) return false
  // Of several streamed at once, one that was filtered long before the end could go unseen.
  if (facts.stream && facts.choices > 1) return false
  return temperature === 'any' || facts.temperature === 0
}

/** How old an answer may be, in ms, by a request's `cache-control`. Undefined when it wants none of this. */
function maxAgeOf(control: string | undefined): number | undefined {
  if (control === undefined) return EVER
  const words = control.toLowerCase()
  if (/\bno-store\b/.test(words)) return undefined
  if (/\bno-cache\b/.test(words)) return 0
  const seconds = /\bmax-age=(\d+)/.exec(words)?.[1]
  return seconds === undefined ? EVER : Number(seconds) * 1000
}

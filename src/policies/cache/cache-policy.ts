import { hash } from 'node:crypto'
import type { Call } from '../../call.js'
import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import type { Operation } from '../../endpoints.js'
import { digestChunks } from '../../lib/byte-chunks.js'
import { canonicalJson } from '../../lib/canonical-json.js'
import { latin1 } from '../../lib/json.js'
import { isMultipart } from '../../lib/multipart.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { PathFacts, RequestFacts } from '../../protocols/request-facts.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import type { RoutePlan } from '../routing/router.js'
import type { ResponseCache } from './response-cache.js'
import type { AnswerProducer } from './single-flight.js'

/** Which requests the cache may answer. */
export type CacheRules = Pick<NonNullable<Config['cache']>, 'temperature' | 'tools'>

export interface ResponseCaches {
  /** Undefined where the config has no `cache`. */
  readonly cache: { readonly responses: ResponseCache; readonly rules: CacheRules } | undefined
  readonly idempotency: ResponseCache
}

/** Operations whose answers are cheaper to ask for again. */
const UNCACHED: ReadonlySet<Operation> = new Set<Operation>(['count'])
/** Digesting a longer body takes longer than parsing it. */
const MAX_REMEMBERED_BYTES = 1024 * 1024
const MAX_UNDIGESTED_BYTES = 4096
const MAX_REMEMBERED_BODIES = 4000

/** What an earlier request with the same body showed. */
interface RememberedBody {
  readonly facts: RequestFacts
  readonly fingerprints: WeakMap<Caller, Fingerprint>
  /** Digest of the canonical JSON; computed when first needed. */
  digest: string | undefined
}

/** The last fingerprint of a body and a caller, with what it depends on besides. */
interface Fingerprint {
  readonly plan: RoutePlan
  readonly forwardedHeaders: string
  readonly text: string
}

/** A request whose facts are not read yet. */
interface UnreadRequest {
  readonly body: Buffer
  readonly path: PathFacts
  readonly readFacts: Protocol['readFacts']
}

/** Decides which calls a cached answer may serve, and by which key. Each caller gets its own answers only. */
export class CachePolicy {
  readonly #caches: ResponseCaches
  /** By protocol, path and bytes of the body: a request that the cache answers need not be parsed again. */
  readonly #bodies = new Map<string, RememberedBody>()
  readonly #byFacts = new WeakMap<RequestFacts, RememberedBody>()
  readonly #targetNames = new WeakMap<RoutePlan, string>()

  constructor(caches: ResponseCaches) {
    this.#caches = caches
  }

  /** The facts of a request, read or remembered. `kind` names its endpoint and protocol. @throws {RelayError} that names the path of an invalid value */
  readFacts(kind: string, { body, path, readFacts }: UnreadRequest): RequestFacts {
    // A query may hold an API key, which must not be remembered.
    if (!this.#caches.cache || path.query !== '' || body.length > MAX_REMEMBERED_BYTES) return readFacts(body, path)
    // Comparing a short body is cheaper than digesting it.
    const content = body.length > MAX_UNDIGESTED_BYTES ? hash('sha256', body) : body.toString('latin1')
    const key = `${kind} ${path.stream} ${path.id}\n${content}`
    const remembered = this.#bodies.get(key)
    if (remembered) return remembered.facts
    const made: RememberedBody = { facts: readFacts(body, path), fingerprints: new WeakMap(), digest: undefined }
    if (this.#bodies.size >= MAX_REMEMBERED_BODIES) this.#bodies.clear()
    this.#bodies.set(key, made)
    this.#byFacts.set(made.facts, made)
    return made.facts
  }

  /** Answers a call from a cache, else by the producer. @throws {RelayError} */
  answer(call: Call, plan: RoutePlan, producer: AnswerProducer): Promise<Reply> {
    const { cache, idempotency } = this.#caches
    const { idempotencyKey, caller } = call
    const maxAgeMs = cache && isCacheable(call, cache.rules) ? readMaxAgeMs(call.cacheControl) : undefined
    if (maxAgeMs === undefined && idempotencyKey === undefined) return producer.produce(call)
    const fingerprint = this.#fingerprint(call, plan)
    const produce = (leader: Call): Promise<Reply> =>
      maxAgeMs === undefined || !cache
        ? producer.produce(leader)
        : cache.responses.serve(leader, { key: fingerprint, fingerprint, maxAgeMs }, producer)
    if (idempotencyKey === undefined) return produce(call)
    // A fingerprint starts with a number, so the two kinds of keys never collide.
    const key = `idempotent ${lengthPrefixed(caller.id)}${idempotencyKey}`
    return idempotency.serve(call, { key, fingerprint, maxAgeMs: ANY_AGE }, { produce, failed: producer.failed })
  }

  /**
   * A text that differs whenever the answer may differ. It starts with the caller, and values that callers choose carry
   * their length, so no two requests share a fingerprint by accident or by design.
   */
  #fingerprint(call: Call, plan: RoutePlan): string {
    const { caller, facts } = call
    const forwardedHeaders = call.forwardedHeaders.length === 0 ? '' : JSON.stringify(call.forwardedHeaders)
    const fingerprints = this.#byFacts.get(facts)?.fingerprints
    const last = fingerprints?.get(caller)
    if (last?.plan === plan && last.forwardedHeaders === forwardedHeaders) return last.text
    const text = this.#computeFingerprint(call, plan, forwardedHeaders)
    fingerprints?.set(caller, { plan, forwardedHeaders, text })
    return text
  }

  #computeFingerprint(call: Call, plan: RoutePlan, forwardedHeaders: string): string {
    const { caller, endpoint, protocol, facts } = call
    const { model, stream, usesOwnFraming = false } = facts
    const request = `${endpoint} ${protocol.id} ${stream} ${usesOwnFraming} ${lengthPrefixed(model)}`
    return `${lengthPrefixed(caller.id)}${request} ${this.#targetsOf(plan)} ${this.#digest(call)} ${forwardedHeaders}`
  }

  #targetsOf(plan: RoutePlan): string {
    let text = this.#targetNames.get(plan)
    if (text === undefined) {
      text = JSON.stringify(plan.targets.map(({ name }) => name))
      this.#targetNames.set(plan, text)
    }
    return text
  }

  #digest({ facts, form, body }: Call): string {
    // In a form every byte may matter.
    if (form) return digestChunks(form)
    const remembered = this.#byFacts.get(facts)
    if (remembered?.digest !== undefined) return remembered.digest
    const content = isMultipart(body) ? body : Buffer.from(canonicalJson(latin1(body)), 'latin1')
    const digest = hash('sha256', content)
    if (remembered) remembered.digest = digest
    return digest
  }
}

const ANY_AGE = Number.POSITIVE_INFINITY

function lengthPrefixed(text: string): string {
  return `${text.length}:${text}`
}

function isCacheable({ operation, facts }: Call, { temperature, tools }: CacheRules): boolean {
  if (UNCACHED.has(operation) || (facts.usesTools && !tools)) return false
  // In a stream of several choices, a choice that a filter cut off early could go unnoticed.
  if (facts.stream && facts.choices > 1) return false
  return temperature === 'any' || facts.temperature === 0
}

/** The greatest acceptable age of an answer by a `cache-control` header, in ms. Undefined: the cache must not be used. */
function readMaxAgeMs(cacheControl: string | undefined): number | undefined {
  if (cacheControl === undefined) return ANY_AGE
  const directives = cacheControl.toLowerCase()
  if (/\bno-store\b/.test(directives)) return undefined
  if (/\bno-cache\b/.test(directives)) return 0
  const seconds = /\bmax-age=(\d+)/.exec(directives)?.[1]
  return seconds === undefined ? ANY_AGE : Number(seconds) * 1000
}

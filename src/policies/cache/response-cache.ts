import type { Call } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { AnswerStore, CachedAnswer } from '../../stores/answers.js'
import type { LimitTake } from '../../stores/limits.js'
import type { LimitGrant, LimitSource } from '../../stores/resilience/resilient-stores.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import { type AnswerProducer, type FinishedFlight, SingleFlight, settleFree } from './single-flight.js'
import { readForClient, StreamRecorder } from './stream-recorder.js'

export interface ResponseCacheOptions {
  readonly store: AnswerStore
  readonly seconds: number
  /** Longer answers are not stored. */
  readonly maxAnswerBytes: number
  /** Streams are replayed at the pace at which they arrived, not as fast as possible. */
  readonly isPaced: boolean
  /** Locks a key across processes, where an answer must not be made twice. */
  readonly lock?: Lock | undefined
}

/** Locks a key. Returns the function that unlocks it; undefined where another process holds the key. */
export type Lock = (key: string) => Promise<(() => void) | undefined>

export interface CacheQuery {
  /** Includes the caller. */
  readonly key: string
  /** Identifies the request. Under the same key, a different fingerprint is a conflict. */
  readonly fingerprint: string
  /** A stored answer must not be older than this, in ms. 0: always make a new answer. */
  readonly maxAgeMs: number
}

const ONE_SLOT: LimitTake = { requests: 0, tokens: 0, slots: 1 }

/** Limits that other processes share. */
interface SharedLimits {
  take(...of: Parameters<LimitSource['take']>): Promise<LimitGrant>
}

/** Locks keys with concurrency limits of one slot: a slot is freed when its process dies. */
export function lockWith(limits: SharedLimits): Lock {
  return async (key) => {
    const scopes = [{ name: `claim:${key}`, concurrency: 1 }]
    // While the store does not answer, no other process can be seen, so the key counts as free.
    const grant = await limits.take(scopes, ONE_SLOT).catch(() => undefined)
    if (!grant) return () => undefined
    return grant.result.exceeded ? undefined : () => void grant.store.giveBack(scopes, ONE_SLOT)
  }
}

/** A paced replay never waits longer between two chunks. */
const MAX_PAUSE_MS = 1000

/** Answers calls from stored answers, and from answers that are still being made for an equal call. */
export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #flights = new Map<string, SingleFlight>()

  constructor(options: ResponseCacheOptions) {
    this.#options = options
  }

  /** Answers a call from the cache, else by the producer. @throws {RelayError} 409 for a key that another request uses */
  serve(call: Call, query: CacheQuery, producer: AnswerProducer): Promise<Reply> {
    if (query.maxAgeMs === 0) return this.#lead(call, query, producer)
    const found = this.#options.store.get(query.key)
    if (found instanceof Promise)
      return found.then((stored) => this.#reuse(call, query, stored) ?? this.#lead(call, query, producer))
    return this.#reuse(call, query, found) ?? this.#lead(call, query, producer)
  }

  /** Replays the stored answer, or joins the call that is making one. Undefined where there is neither. */
  #reuse(call: Call, query: CacheQuery, stored: CachedAnswer | undefined): Promise<Reply> | undefined {
    if (stored && Date.now() - stored.storedAt < query.maxAgeMs) {
      if (stored.fingerprint !== query.fingerprint) return Promise.reject(keyConflict())
      return Promise.resolve(this.#replay(call, stored))
    }
    const flight = this.#flights.get(query.key)
    if (!flight?.isOpen) return undefined
    if (flight.fingerprint !== query.fingerprint) return Promise.reject(keyConflict())
    setCacheState(call, 'shared')
    return flight.join(call)
  }

  /** Makes the answer, so that equal calls can join, and stores it. */
  #lead(call: Call, query: CacheQuery, producer: AnswerProducer): Promise<Reply> {
    const { key, fingerprint } = query
    const { lock, maxAnswerBytes } = this.#options
    setCacheState(call, 'miss')
    let unlock = (): void => undefined
    let isStored = false
    const produceLocked = async (leader: Call): Promise<Reply> => {
      const locked = await lock?.(key)
      if (lock && !locked) throw keyInUse()
      unlock = locked ?? unlock
      // The previous holder of the lock may just have stored an answer.
      const stored = locked && (await this.#options.store.get(key))
      isStored = stored !== undefined
      return (stored && this.#reuse(leader, query, stored)) || producer.produce(leader)
    }
    const flight = new SingleFlight(call, lock ? { ...producer, produce: produceLocked } : producer, {
      fingerprint,
      maxBytes: maxAnswerBytes,
      onFinish: async (finished) => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
        if (finished && !isStored) await this.#store(key, fingerprint, finished)
        unlock()
      },
    })
    this.#flights.set(key, flight)
    return flight.leader
  }

  #store(key: string, fingerprint: string, { reply, recording }: FinishedFlight): void | Promise<void> {
    const { status, contentType, target, losses, body } = reply
    if (Buffer.isBuffer(body) && body.length > this.#options.maxAnswerBytes) return
    const { chunks, times } = recording?.copy() ?? { chunks: [body as Buffer], times: undefined }
    const answer = { status, contentType, target, losses, fingerprint, storedAt: Date.now(), chunks, times }
    return this.#options.store.set(key, answer, this.#options.seconds * 1000)
  }

  #replay(call: Call, stored: CachedAnswer): Reply {
    const { status, contentType, target, losses, chunks, times, storedAt } = stored
    setCacheState(call, 'hit')
    call.responseHeaders.age = String(Math.max(0, Math.floor((Date.now() - storedAt) / 1000)))
    if (!times) {
      settleFree(call, 'complete', stored)
      return { status, contentType, target, losses, body: chunks[0] as Buffer }
    }
    const recorder = new StreamRecorder(Number.POSITIVE_INFINITY)
    const body = readForClient(call.client, recorder, (hasLeft) =>
      settleFree(call, hasLeft ? 'left' : 'complete', stored),
    )
    if (this.#options.isPaced) replayPaced(recorder, { chunks, times, isEnded: () => body.isOver })
    else replayAtOnce(recorder, chunks)
    return { status, contentType, target, losses, body }
  }
}

function setCacheState(call: Call, state: NonNullable<Call['cacheState']>): void {
  call.cacheState = state
  call.responseHeaders['x-modelmount-cache'] = state
}

function keyConflict(): RelayError {
  const message = 'This idempotency key was used for another request. Use a new key for each request.'
  return new RelayError('idempotency_conflict', message)
}

function keyInUse(): RelayError {
  const message = 'A request with this idempotency key is in progress. Try again when it has ended.'
  return new RelayError('idempotency_conflict', message, { retryAfterMs: 1000 })
}

function replayAtOnce(recorder: StreamRecorder, chunks: readonly Buffer[]): void {
  for (const chunk of chunks) recorder.write(chunk)
  recorder.end()
}

interface PacedReplay {
  readonly chunks: readonly Buffer[]
  /** When each chunk arrived, in ms since the first. */
  readonly times: readonly number[]
  readonly isEnded: () => boolean
}

/** Writes the chunks at the pace at which they arrived. */
function replayPaced(recorder: StreamRecorder, replay: PacedReplay, from = 0): void {
  const { chunks, times, isEnded } = replay
  for (let index = from; !isEnded(); index++) {
    const chunk = chunks[index]
    if (!chunk) return recorder.end()
    const pauseMs = index === from ? 0 : (times[index] ?? 0) - (times[index - 1] ?? 0)
    if (pauseMs > 0) {
      setTimeout(() => replayPaced(recorder, replay, index), Math.min(pauseMs, MAX_PAUSE_MS))
      return
    }
    recorder.write(chunk)
  }
}

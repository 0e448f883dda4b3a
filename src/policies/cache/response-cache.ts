import type { Call } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { AnswerStore, CachedAnswer } from '../../stores/answers.js'
import type { LimitTake } from '../../stores/limits.js'
import type { Grant, LimitSource } from '../../stores/resilient-stores.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import { type AnswerProducer, type FinishedFlight, SingleFlight, settleFree } from './single-flight.js'
import { readForClient, StreamRecorder } from './stream-recorder.js'

export interface ResponseCacheOptions {
  readonly store: AnswerStore
  readonly seconds: number
  /** A longer answer is not kept. */
  readonly maxAnswerBytes: number
  /** Streams are given again as they came, not as fast as they can go. */
  readonly isPaced: boolean
  /** Where answers must not be made twice, and other processes might: claims a key for this one. */
  readonly lock?: Lock | undefined
}

/** Gives the way to end a claim; undefined where another process has the key. */
export type Lock = (key: string) => Promise<(() => void) | undefined>

/** What is looked for. */
export interface CacheQuery {
  /** The tenant is part of it. */
  readonly key: string
  /** Stands for the request: what is found for another one under the same key is a conflict. */
  readonly fingerprint: string
  /** What has been kept is good enough if it is no older; 0 for a new answer in any case. In ms. */
  readonly maxAgeMs: number
}

const ONE: LimitTake = { requests: 0, tokens: 0, slots: 1 }

/** Limits that are counted elsewhere. */
interface Shareable {
  take(...of: Parameters<LimitSource['take']>): Promise<Grant>
}

/** Claims as places of which there is one a key: they end with their process. */
export function lockWith(limits: Shareable): Lock {
  return async (key) => {
    const scopes = [{ name: `claim:${key}`, concurrency: 1 }]
    // Where nobody can be asked, this process does not know of any other.
    const grant = await limits.take(scopes, ONE).catch(() => undefined)
    if (!grant) return () => undefined
    return grant.taken.met ? undefined : () => void grant.from.giveBack(scopes, ONE)
  }
}

/** No pause of a paced stream is longer. */
const LONGEST_PAUSE_MS = 1000

/** Answers that are given again: kept ones, and those that are on their way to somebody else who asks the same. */
export class ResponseCache {
  readonly #options: ResponseCacheOptions
  readonly #flights = new Map<string, SingleFlight>()

  constructor(options: ResponseCacheOptions) {
    this.#options = options
  }

  /** Has a call answered, by the producer where there is no other way. @throws {RelayError} 409 */
  serve(call: Call, asked: CacheQuery, producer: AnswerProducer): Promise<Reply> {
    if (asked.maxAgeMs === 0) return this.#lead(call, asked, producer)
    const found = this.#options.store.get(asked.key)
    if (found instanceof Promise)
      return found.then((answer) => this.#choose(call, asked, answer) ?? this.#lead(call, asked, producer))
    return this.#choose(call, asked, found) ?? this.#lead(call, asked, producer)
  }

  /** An answer that need not be asked for. */
  #choose(call: Call, asked: CacheQuery, kept: CachedAnswer | undefined): Promise<Reply> | undefined {
    if (kept && Date.now() - kept.storedAt < asked.maxAgeMs) {
      if (kept.fingerprint !== asked.fingerprint) return Promise.reject(conflict())
      return Promise.resolve(this.#replay(call, kept))
    }
    const flight = this.#flights.get(asked.key)
    if (!flight?.isOpen) return undefined
    if (flight.fingerprint !== asked.fingerprint) return Promise.reject(conflict())
    mark(call, 'shared')
    return flight.join(call)
  }

  #lead(call: Call, asked: CacheQuery, producer: AnswerProducer): Promise<Reply> {
    const { key, fingerprint } = asked
    const { lock, maxAnswerBytes } = this.#options
    mark(call, 'miss')
    let release = (): void => undefined
    let isKept = false
    const claimed = async (own: Call): Promise<Reply> => {
      const granted = await lock?.(key)
      if (lock && !granted) throw underWay()
      release = granted ?? release
      // Its last holder may have kept an answer just before.
      const kept = granted && (await this.#options.store.get(key))
      isKept = kept !== undefined
      return (kept && this.#choose(own, asked, kept)) || producer.produce(own)
    }
    const flight = new SingleFlight(call, lock ? { ...producer, produce: claimed } : producer, {
      fingerprint,
      maxBytes: maxAnswerBytes,
      onFinish: async (landed) => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
        if (landed && !isKept) await this.#keep(key, fingerprint, landed)
        release()
      },
    })
    this.#flights.set(key, flight)
    return flight.leader
  }

  #keep(key: string, fingerprint: string, { reply, recording }: FinishedFlight): void | Promise<void> {
    const { status, contentType, target, losses, body } = reply
    if (Buffer.isBuffer(body) && body.length > this.#options.maxAnswerBytes) return
    const { pieces, times } = recording?.copy() ?? { pieces: [body as Buffer], times: undefined }
    const answer = { status, contentType, target, losses, fingerprint, storedAt: Date.now(), pieces, times }
    return this.#options.store.set(key, answer, this.#options.seconds * 1000)
  }

  #replay(call: Call, kept: CachedAnswer): Reply {
    const { status, contentType, target, losses, pieces, times, storedAt } = kept
    mark(call, 'hit')
    call.responseHeaders.age = String(Math.max(0, Math.floor((Date.now() - storedAt) / 1000)))
    if (!times) {
      settleFree(call, 'complete', kept)
      return { status, contentType, target, losses, body: pieces[0] as Buffer }
    }
    const recording = new StreamRecorder(Number.POSITIVE_INFINITY)
    const body = readForClient(call.client, recording, (hasLeft) =>
      settleFree(call, hasLeft ? 'left' : 'complete', kept),
    )
    if (this.#options.isPaced) pace(recording, { pieces, times, isOver: () => body.isOver })
    else fill(recording, pieces)
    return { status, contentType, target, losses, body }
  }
}

function mark(call: Call, how: NonNullable<Call['cacheState']>): void {
  call.cacheState = how
  call.responseHeaders['x-modelmount-cache'] = how
}

function conflict(): RelayError {
  const message = 'This idempotency key was used for another request. Use a new key for each request.'
  return new RelayError('idempotency_conflict', message)
}

function underWay(): RelayError {
  const message = 'A request with this idempotency key is under way. Ask again when it has ended.'
  return new RelayError('idempotency_conflict', message, { retryAfterMs: 1000 })
}

function fill(recording: StreamRecorder, pieces: readonly Buffer[]): void {
  for (const piece of pieces) recording.write(piece)
  recording.end()
}

interface Paced {
  readonly pieces: readonly Buffer[]
  readonly times: readonly number[]
  readonly isOver: () => boolean
}

/** Gives the pieces on at the pace at which they came. */
function pace(recording: StreamRecorder, paced: Paced, from = 0): void {
  const { pieces, times, isOver } = paced
  for (let index = from; !isOver(); index++) {
    const piece = pieces[index]
    if (!piece) return recording.end()
    const pause = index === from ? 0 : (times[index] ?? 0) - (times[index - 1] ?? 0)
    if (pause > 0) {
      setTimeout(() => pace(recording, paced, index), Math.min(pause, LONGEST_PAUSE_MS))
      return
    }
    recording.write(piece)
  }
}

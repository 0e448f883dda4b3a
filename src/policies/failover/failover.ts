import pRetry from 'p-retry'
import type { AttemptLog, Call, Channel } from '../../call.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { sleep } from '../../lib/time.js'
import { attemptCall } from '../../upstream/attempt/attempt.js'
import type { Reply, Tools } from '../../upstream/attempt/reply.js'
import type { Pacing } from '../../upstream/connection/pacing.js'
import type { RoutePlan } from '../routing/router.js'
import type { StrategyInputs } from '../routing/strategies.js'
import { CandidateCursor } from './candidate-cursor.js'
import type { Health } from './health.js'

/** What failover works with. */
export interface Means extends Tools {
  readonly retry: Config['retry']
  readonly health: Health
  readonly paces: Pacing
  readonly priceOf: StrategyInputs['priceOf']
  /** Left out: a call is one request. */
  readonly send?: SendToChannel
}

/** Sends a call to one channel, and gives its answer. @throws {RelayError} */
export type SendToChannel = (call: Call, channel: Channel, means: Means) => Promise<Reply>

/**
 * Tries a call's channels until one answers: in rounds, since there is no wait before another channel. Before the same
 * ones again there is, never longer than a caller would bear.
 * @throws {RelayError} the last failure, when nothing is left that may mend it
 */
export function failover(call: Call, plan: RoutePlan, means: Means): Promise<Reply> {
  const walk = new CandidateCursor(plan, means.health, { affinity: call.affinity, priceOf: means.priceOf })
  return round(call, walk, means).catch((failure: unknown) => roundAgain(failure, walk, call, means))
}

/** Every channel that is free, one after the other, while tries are left. */
async function round(call: Call, walk: CandidateCursor, means: Means): Promise<Reply> {
  for (;;) {
    const channel = walk.next()
    if (!channel) throw nothingLeft(walk.cooldownMs())
    const probe = means.health.tryProbe(channel)
    try {
      const reply = await (means.send ?? sendAttempt)(call, channel, means)
      means.health.recordSuccess(channel)
      return reply
    } catch (error) {
      if (!(error instanceof RelayError)) {
        if (probe) means.health.releaseProbe(channel)
        throw error
      }
      if (!isCallers(error)) call.attempts.push({ target: channel.target.name, status: statusOf(error) })
      judge(error, channel, { probe, call, means })
      if (error.failureScope) walk.exclude(channel, error.failureScope)
      if (!mayGoOn(error, call, means) || !walk.next()) throw error
    }
  }
}

/** p-retry drives the rounds. It begins with the one that has failed already: a call that goes well pays nothing for it. */
function roundAgain(failure: unknown, walk: CandidateCursor, call: Call, means: Means): Promise<Reply> {
  const { retry } = means
  return pRetry((number) => (number === 1 ? Promise.reject(failure) : round(call, walk, means)), {
    retries: retry.attempts - 1,
    minTimeout: 0,
    async shouldRetry({ error, attemptNumber }) {
      if (!(error instanceof RelayError) || !mayGoOn(error, call, means)) return false
      if (error.failureScope === 'context' || error.failureScope === 'filter') return false
      walk.restart()
      // What a 429 asked for is a rest of its own channel only: another may be free sooner.
      const askedMs = error.failureScope === 'rate' ? 0 : (error.retryAfterMs ?? 0)
      const waitMs = Math.max(backoff(attemptNumber, retry), askedMs, walk.cooldownMs())
      if (waitMs > retry.maxDelayMs) return false
      // Timers drop fractions and may ring a little early, when the channel still rests.
      await sleep(waitMs + 2, call.client)
      return !call.client.isClosed && walk.next() !== undefined
    },
  })
}

/** Whether another try may mend it, and one is left. */
function mayGoOn({ failureScope }: RelayError, call: Call, { retry }: Means): boolean {
  if (call.client.isClosed || call.attempts.length >= retry.attempts) return false
  return failureScope !== undefined && (failureScope !== 'slow' || retry.retryTimeouts)
}

/** As one request, in its turn where the credential is paced. */
export const sendAttempt: SendToChannel = (call, channel, means) => {
  const { pace } = channel.target.upstream
  if (!pace) return attemptCall(call, channel, means, nothing)
  return means.paces.enter(channel, pace, call.client).then((release) => attemptCall(call, channel, means, release))
}

/** Whether no upstream has said it: the request could not be sent, or its caller has left. */
function isCallers({ status, failureScope, upstreamStatus }: RelayError): boolean {
  return status < 500 && failureScope === undefined && upstreamStatus === undefined
}

/** What a failure says of the channel's health. A mistake of the caller's that it has told says only that it lives. */
function judge(
  error: RelayError,
  channel: Channel,
  { probe, call, means: { health, retry } }: { probe: boolean; call: Call; means: Means },
): void {
  if (isCallers(error) || error.kind === 'upstream_busy') {
    if (probe) health.releaseProbe(channel)
  } else if (error.failureScope === 'rate')
    health.recordRateLimit(channel, error.retryAfterMs ?? backoff(call.attempts.length, retry))
  else if (error.failureScope === 'credential' && error.upstreamStatus === 403) health.recordForbidden(channel)
  else if (error.failureScope === 'credential') health.recordRefused(channel)
  else if (error.failureScope === 'place' || error.failureScope === 'slow') health.recordFailure(channel)
  else health.recordSuccess(channel)
}

/** Full jitter on the upper half: callers that failed together do not come back together. */
function backoff(attempt: number, { minDelayMs, maxDelayMs }: Config['retry']): number {
  const ms = Math.min(minDelayMs * 2 ** (attempt - 1), maxDelayMs)
  return ms * (0.5 + Math.random() / 2)
}

function nothingLeft(restMs: number): RelayError {
  const retryAfterMs = Number.isFinite(restMs) ? restMs : undefined
  const message = 'Every provider of this model is resting after failures. Please try again later.'
  return new RelayError('no_upstream', message, { retryAfterMs })
}

const WORDS: Partial<Record<RelayError['kind'], string>> = {
  upstream_timeout: 'timeout',
  upstream_unreachable: 'unreachable',
  upstream_busy: 'busy',
  upstream_failed: 'cut',
  closing: 'cut',
}

function statusOf(error: RelayError): AttemptLog['status'] {
  if (error.upstreamStatus !== undefined && error.upstreamStatus >= 400) return error.upstreamStatus
  return WORDS[error.kind] ?? 'invalid'
}

function nothing(): void {}

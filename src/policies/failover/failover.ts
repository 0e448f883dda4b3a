import pRetry from 'p-retry'
import type { AttemptLog, Call } from '../../call.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { sleep } from '../../lib/time.js'
import type { Channel } from '../../targets.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import type { RoutePlan } from '../routing/router.js'
import type { StrategyInputs } from '../routing/strategies.js'
import { CandidateCursor } from './candidate-cursor.js'
import type { Health } from './health.js'

/** Sends a call to one channel and returns the answer once it is committed. @throws {RelayError} */
export type SendToChannel = (call: Call, channel: Channel) => Promise<Reply>

/** Timers drop fractions of a millisecond and may fire early, while the channel is still cooling down. */
const TIMER_SLACK_MS = 2

/**
 * Tries the channels of a call's plan until one answers. A round tries every usable channel once, without waiting
 * between them. Before another round it waits, at most `retry.maxDelayMs`.
 */
export class Failover {
  readonly #retry: Config['retry']
  readonly #health: Health
  readonly #priceOf: StrategyInputs['priceOf']

  constructor(retry: Config['retry'], health: Health, priceOf: StrategyInputs['priceOf']) {
    this.#retry = retry
    this.#health = health
    this.#priceOf = priceOf
  }

  /** @throws {RelayError} the last failure, when no further attempt may help */
  run(call: Call, plan: RoutePlan, send: SendToChannel): Promise<Reply> {
    const cursor = new CandidateCursor(plan, this.#health, { affinity: call.affinity, priceOf: this.#priceOf })
    return this.#tryRound(call, cursor, send).catch((failure: unknown) =>
      this.#tryFurtherRounds(failure, call, cursor, () => this.#tryRound(call, cursor, send)),
    )
  }

  /** Tries one usable channel after the other, while attempts are left. */
  async #tryRound(call: Call, cursor: CandidateCursor, send: SendToChannel): Promise<Reply> {
    for (;;) {
      const channel = cursor.next()
      if (!channel) throw allCoolingDown(cursor.cooldownMs())
      const isProbe = this.#health.tryProbe(channel)
      try {
        const reply = await send(call, channel)
        this.#health.recordSuccess(channel)
        return reply
      } catch (error) {
        if (!(error instanceof RelayError)) {
          if (isProbe) this.#health.releaseProbe(channel)
          throw error
        }
        if (!isUnrelatedToUpstream(error))
          call.attempts.push({ target: channel.target.name, status: attemptStatus(error) })
        this.#recordHealth(error, channel, isProbe, call.attempts.length)
        if (error.failureScope) cursor.exclude(channel, error.failureScope)
        if (!this.#mayContinue(error, call) || !cursor.next()) throw error
      }
    }
  }

  /** p-retry starts with the failure of the first round, so a call that succeeds at once never pays for p-retry. */
  #tryFurtherRounds(
    failure: unknown,
    call: Call,
    cursor: CandidateCursor,
    round: () => Promise<Reply>,
  ): Promise<Reply> {
    return pRetry((number) => (number === 1 ? Promise.reject(failure) : round()), {
      retries: this.#retry.attempts - 1,
      minTimeout: 0,
      shouldRetry: ({ error, attemptNumber }) =>
        error instanceof RelayError && this.#waitForNextRound(error, attemptNumber, call, cursor),
    })
  }

  /** Returns false where no further round may help, or the wait would be too long for a caller. */
  async #waitForNextRound(error: RelayError, round: number, call: Call, cursor: CandidateCursor): Promise<boolean> {
    if (!this.#mayContinue(error, call)) return false
    if (error.failureScope === 'context' || error.failureScope === 'filter') return false
    cursor.restart()
    // A 429 asks for a pause of its own channel only: another channel may be usable sooner.
    const requestedMs = error.failureScope === 'rate-limit' ? 0 : (error.retryAfterMs ?? 0)
    const waitMs = Math.max(backoffMs(round, this.#retry), requestedMs, cursor.cooldownMs())
    if (waitMs > this.#retry.maxDelayMs) return false
    await sleep(waitMs + TIMER_SLACK_MS, call.client)
    return !call.client.isClosed && cursor.next() !== undefined
  }

  /** Whether another attempt may help, and one is left. */
  #mayContinue({ failureScope }: RelayError, call: Call): boolean {
    if (call.client.isClosed || call.attempts.length >= this.#retry.attempts) return false
    return failureScope !== undefined && (failureScope !== 'timeout' || this.#retry.retryTimeouts)
  }

  /** A caller's mistake that the upstream reports shows that the channel works. */
  #recordHealth(error: RelayError, channel: Channel, isProbe: boolean, attempts: number): void {
    const { failureScope, upstreamStatus, retryAfterMs } = error
    if (isUnrelatedToUpstream(error) || error.kind === 'upstream_busy') {
      if (isProbe) this.#health.releaseProbe(channel)
    } else if (failureScope === 'rate-limit')
      this.#health.recordRateLimit(channel, retryAfterMs ?? backoffMs(attempts, this.#retry))
    else if (failureScope === 'credential' && upstreamStatus === 403) this.#health.recordForbidden(channel)
    else if (failureScope === 'credential') this.#health.recordRefused(channel)
    else if (failureScope === 'base-url' || failureScope === 'timeout') this.#health.recordFailure(channel)
    else this.#health.recordSuccess(channel)
  }
}

/** Whether the failure says nothing about the upstream: the request could not be written, or the client disconnected. */
function isUnrelatedToUpstream({ status, failureScope, upstreamStatus }: RelayError): boolean {
  return status < 500 && failureScope === undefined && upstreamStatus === undefined
}

/** Exponential, with jitter on the upper half: callers that failed together do not retry together. */
function backoffMs(attempt: number, { minDelayMs, maxDelayMs }: Config['retry']): number {
  const ms = Math.min(minDelayMs * 2 ** (attempt - 1), maxDelayMs)
  return ms * (0.5 + Math.random() / 2)
}

function allCoolingDown(cooldownMs: number): RelayError {
  const retryAfterMs = Number.isFinite(cooldownMs) ? cooldownMs : undefined
  const message = 'Every provider of this model is cooling down after failures. Please try again later.'
  return new RelayError('no_upstream', message, { retryAfterMs })
}

const STATUS_WORDS: Partial<Record<RelayError['kind'], string>> = {
  upstream_timeout: 'timeout',
  upstream_unreachable: 'unreachable',
  upstream_busy: 'busy',
  upstream_failed: 'cut',
  closing: 'cut',
}

function attemptStatus(error: RelayError): AttemptLog['status'] {
  if (error.upstreamStatus !== undefined && error.upstreamStatus >= 400) return error.upstreamStatus
  return STATUS_WORDS[error.kind] ?? 'invalid'
}

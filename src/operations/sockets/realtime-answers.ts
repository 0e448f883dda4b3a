import type { Call } from '../../call.js'
import { NO_USAGE, type Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { now } from '../../lib/time.js'
import type { RoutePlan } from '../../policies/routing/router.js'
import type { OpenSocket } from '../../requests/open-sockets.js'
import type { Services } from '../../services.js'
import type { Target } from '../../targets.js'
import { admitCall, createCall, unreadContent } from '../relay-call.js'
import type { RequestContext } from '../request-context.js'

/** An answer within a session. It is a call of its own, with its limits, cost and usage record. */
interface RealtimeAnswer {
  readonly call: Call
  /** Id of the client's event that requested it. */
  readonly eventId: unknown
  firstOutputMs: number | undefined
  /** Estimated output tokens so far. */
  deliveredTokens: number
}

/** Answers that may be requested and not have started. */
const MAX_REQUESTED = 16

/** A client's request for an answer. */
export interface AnswerRequest {
  readonly body: Buffer | undefined
  readonly eventId: unknown
  /** The client's limit, in tokens. Undefined if there is none. */
  readonly maxOutputTokens: number | undefined
}

/** For answers that the provider starts by itself. */
const UNREQUESTED_ANSWER: AnswerRequest = { body: undefined, eventId: undefined, maxOutputTokens: undefined }

/** The session of the answers. */
export interface SessionContext {
  readonly services: Services
  readonly context: RequestContext
  readonly plan: RoutePlan
  readonly target: Target
  /** The model's name in the caller's request. */
  readonly model: string
  readonly socket: OpenSocket
}

/** How an answer ended, as the provider reports it. */
export interface AnswerEnd {
  readonly failed: boolean
  readonly usage: Usage | undefined
}

/** The answers of one session: requested ones, and those that the provider starts by itself after a pause in the audio. */
export class RealtimeAnswers {
  readonly #session: SessionContext
  /** Requested and not started, in order. */
  readonly #requested: RealtimeAnswer[] = []
  /** By the provider's id. */
  readonly #started = new Map<string, RealtimeAnswer | Promise<RealtimeAnswer>>()
  /** The answer that started last. Deltas count for it. */
  #latest: RealtimeAnswer | undefined
  /** Tokens of the conversation after the last counted answer. They are input of the next answer. */
  #contextTokens = 0
  /** Set when the session has ended. */
  #outcome: 'cut' | 'left' | undefined

  constructor(session: SessionContext) {
    this.#session = session
  }

  /** Admits an answer that the client requests. @throws {RelayError} */
  async request(request: AnswerRequest): Promise<void> {
    if (this.#requested.length >= MAX_REQUESTED)
      throw new RelayError('rate_limited', 'Too many answers are requested and have not started.')
    const answer = await this.#admit(request)
    if (this.#outcome) this.#abandon(answer, this.#outcome)
    else this.#requested.push(answer)
  }

  /** The provider has started an answer. @throws {RelayError} for one that was not requested, and that the limits do not admit */
  async onStart(id: string): Promise<void> {
    if (this.#started.has(id)) return
    const started = this.#requested.shift() ?? this.#admit(UNREQUESTED_ANSWER)
    this.#started.set(id, started)
    const answer = started instanceof Promise ? await started : started
    answer.firstOutputMs = now() - answer.call.startedAt
    this.#latest = answer
  }

  onDelta(tokens: number): void {
    if (this.#latest) this.#latest.deliveredTokens += tokens
  }

  /** An answer has ended. @throws {RelayError} like {@link onStart} */
  async onDone(id: string, end: AnswerEnd): Promise<void> {
    const started = this.#started.get(id) ?? this.#admit(UNREQUESTED_ANSWER)
    this.#started.delete(id)
    if (end.usage) this.#contextTokens = end.usage.input + end.usage.output
    this.#settle(started instanceof Promise ? await started : started, end, this.#session.target)
  }

  /** Another model has transcribed the input. @throws {RelayError} like {@link onStart} */
  async onTranscription(usage: Usage | undefined, model: string): Promise<void> {
    const { target } = this.#session
    const transcriber = { ...target, name: `${target.upstream.id}/${model}`, model }
    const answer = await this.#admit(UNREQUESTED_ANSWER, transcriber)
    // Transcription that is billed by duration has no tokens.
    this.#settle(answer, { usage: usage ?? NO_USAGE, failed: false }, transcriber)
  }

  /** The provider reports an error for a client's event. Settles the answer that the event requested, if any. Without an id, settles the last request without an id. */
  onError(eventId: string | undefined): void {
    const index = this.#requested.findLastIndex((answer) => answer.eventId === eventId)
    const [answer] = index < 0 ? [] : this.#requested.splice(index, 1)
    answer?.call.settle({ outcome: 'failed', status: 400, target: this.#session.target, error: ANSWER_REJECTED })
  }

  /** Settles all answers that have not ended, at the end of the session. */
  end(outcome: 'cut' | 'left'): void {
    this.#outcome = outcome
    for (const answer of this.#requested.splice(0)) this.#abandon(answer, outcome)
    for (const started of this.#started.values()) {
      if (started instanceof Promise) started.then((answer) => this.#abandon(answer, outcome), ignore)
      else this.#abandon(started, outcome)
    }
    this.#started.clear()
  }

  #abandon({ call, firstOutputMs, deliveredTokens }: RealtimeAnswer, outcome: 'cut' | 'left'): void {
    const status = outcome === 'left' ? 499 : 502
    const { target } = this.#session
    call.settle({ outcome, status, target, firstOutputMs, deliveredTokens: Math.ceil(deliveredTokens) })
  }

  async #admit(
    { body, eventId, maxOutputTokens }: AnswerRequest,
    target: Target = this.#session.target,
  ): Promise<RealtimeAnswer> {
    const { services, context, plan, model, socket } = this.#session
    const isSessionModel = target === this.#session.target
    const answerContext: RequestContext = {
      ...context,
      endpoint: { ...context.endpoint, operation: 'realtime' },
      attempts: [{ target: target.name, status: 101 }],
      responseHeaders: {},
      startedAt: now(),
    }
    const content = unreadContent(isSessionModel ? model : target.model, body)
    const contextTokens = isSessionModel ? this.#contextTokens : 0
    const facts = { ...content.facts, maxOutputTokens, contextTokens }
    const call = createCall(services, answerContext, { ...content, facts })
    // Throws while the relay shuts down, so check before counting the answer.
    services.activeCalls.check()
    socket.answerStarted()
    call.onEnd = () => socket.answerEnded()
    await admitCall(services, call, { ...plan, targets: [target] })
    return { call, eventId, firstOutputMs: undefined, deliveredTokens: 0 }
  }

  #settle({ call, firstOutputMs = 0, deliveredTokens }: RealtimeAnswer, end: AnswerEnd, target: Target): void {
    const { usage, failed } = end
    if (failed && !usage && deliveredTokens === 0)
      return call.settle({ outcome: 'failed', status: 502, target, error: ANSWER_FAILED })
    call.settle({
      outcome: failed ? 'failed' : 'complete',
      status: 200,
      target,
      ...(usage ? { usage } : { deliveredTokens: Math.ceil(deliveredTokens) }),
      firstOutputMs,
    })
  }
}

const ANSWER_REJECTED = new RelayError('upstream_rejected', 'The provider refused to answer.')
const ANSWER_FAILED = new RelayError('upstream_failed', 'The provider failed to answer.')

function ignore(): void {}

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

/** An answer within a session: a call of its own, for its limits, its price and its record. */
interface RealtimeAnswer {
  readonly call: Call
  /** Of the client's event that asked for it. */
  readonly eventId: unknown
  firstOutputMs: number | undefined
  /** About how many tokens have come. */
  delivered: number
}

/** So many may be asked for and not have begun. */
const MOST_ASKED = 16

/** A client's wish for one. */
export interface Asking {
  readonly body: Buffer | undefined
  readonly eventId: unknown
  /** The client's own cap; undefined where there is none. */
  readonly maxOutputTokens: number | undefined
}

/** Nobody's. */
const UNASKED: Asking = { body: undefined, eventId: undefined, maxOutputTokens: undefined }

/** The session that they are in. */
export interface SessionContext {
  readonly parts: Services
  readonly visit: RequestContext
  readonly plan: RoutePlan
  readonly target: Target
  /** As the caller named it. */
  readonly model: string
  readonly socket: OpenSocket
}

/** The end of an answer, as its provider tells it. */
export interface Done {
  readonly failed: boolean
  readonly usage: Usage | undefined
}

/** The answers of one session: those that were asked for, and those that its provider began of itself when it heard a pause. */
export class RealtimeAnswers {
  readonly #session: SessionContext
  /** Asked for, and not yet begun: in order. */
  readonly #asked: RealtimeAnswer[] = []
  readonly #begun = new Map<string, RealtimeAnswer | Promise<RealtimeAnswer>>()
  /** The one that began last: what comes is taken to be its. */
  #latest: RealtimeAnswer | undefined
  /** How much had been said when the last one ended that was counted: the next one reads it. In tokens. */
  #context = 0
  /** How the session has ended. */
  #outcome: 'cut' | 'left' | undefined

  constructor(session: SessionContext) {
    this.#session = session
  }

  /** The client asks for one. @throws {RelayError} where it is not let in */
  async ask(asking: Asking): Promise<void> {
    if (this.#asked.length >= MOST_ASKED)
      throw new RelayError('rate_limited', 'Too many answers are asked for and have not begun.')
    const turn = await this.#admit(asking)
    if (this.#outcome) this.#abandon(turn, this.#outcome)
    else this.#asked.push(turn)
  }

  /** One has begun. @throws {RelayError} where nobody has asked for it and it would not have been let in */
  async begun(id: string): Promise<void> {
    if (this.#begun.has(id)) return
    const begun = this.#asked.shift() ?? this.#admit(UNASKED)
    this.#begun.set(id, begun)
    const turn = begun instanceof Promise ? await begun : begun
    turn.firstOutputMs = now() - turn.call.startedAt
    this.#latest = turn
  }

  /** So many tokens have come. */
  came(tokens: number): void {
    if (this.#latest) this.#latest.delivered += tokens
  }

  /** One has ended. @throws {RelayError} as {@link begun} */
  async done(id: string, end: Done): Promise<void> {
    const begun = this.#begun.get(id) ?? this.#admit(UNASKED)
    this.#begun.delete(id)
    if (end.usage) this.#context = end.usage.input + end.usage.output
    this.#settle(begun instanceof Promise ? await begun : begun, end, this.#session.target)
  }

  /** What another model has written down of what was said. @throws {RelayError} as {@link begun} */
  async transcribed(usage: Usage | undefined, model: string): Promise<void> {
    const { target } = this.#session
    const transcriber = { ...target, name: `${target.upstream.id}/${model}`, model }
    // One that is billed by its length has no tokens.
    this.#settle(await this.#admit(UNASKED, transcriber), { usage: usage ?? NO_USAGE, failed: false }, transcriber)
  }

  /** The provider refuses what a client's event wanted: an answer, if it was such a one. Of those without a name, the last. */
  refused(eventId: string | undefined): void {
    const at = this.#asked.findLastIndex((turn) => turn.eventId === eventId)
    const [turn] = at < 0 ? [] : this.#asked.splice(at, 1)
    turn?.call.settle({ outcome: 'failed', status: 400, target: this.#session.target, error: REJECTED })
  }

  /** The session has ended in the midst of all that are left. */
  end(outcome: 'cut' | 'left'): void {
    this.#outcome = outcome
    for (const turn of this.#asked.splice(0)) this.#abandon(turn, outcome)
    for (const turn of this.#begun.values()) {
      if (turn instanceof Promise) turn.then((begun) => this.#abandon(begun, outcome), ignore)
      else this.#abandon(turn, outcome)
    }
    this.#begun.clear()
  }

  #abandon({ call, firstOutputMs, delivered }: RealtimeAnswer, outcome: 'cut' | 'left'): void {
    const status = outcome === 'left' ? 499 : 502
    const { target } = this.#session
    call.settle({ outcome, status, target, firstOutputMs, deliveredTokens: Math.ceil(delivered) })
  }

  async #admit(
    { body, eventId, maxOutputTokens }: Asking,
    target: Target = this.#session.target,
  ): Promise<RealtimeAnswer> {
    const { parts, visit, plan, model, socket } = this.#session
    const endpoint = { ...visit.endpoint, operation: 'realtime' as const }
    const attempts = [{ target: target.name, status: 101 }]
    const { facts, ...read } = unreadContent(target === this.#session.target ? model : target.model, body)
    const own = { ...visit, endpoint, attempts, told: {}, startedAt: now() }
    const contextTokens = target === this.#session.target ? this.#context : 0
    const call = createCall(parts, own, { ...read, facts: { ...facts, maxOutputTokens, contextTokens } })
    // What never begins never ends.
    parts.activeCalls.check()
    socket.began()
    call.onEnd = () => socket.ended()
    await admitCall(parts, call, { ...plan, targets: [target] })
    return { call, eventId, firstOutputMs: undefined, delivered: 0 }
  }

  #settle({ call, firstOutputMs = 0, delivered }: RealtimeAnswer, { usage, failed }: Done, target: Target): void {
    if (failed && !usage && delivered === 0)
      return call.settle({ outcome: 'failed', status: 502, target, error: FAILED })
    const counted = usage ? { usage } : { deliveredTokens: Math.ceil(delivered) }
    call.settle({ outcome: failed ? 'failed' : 'complete', status: 200, target, ...counted, firstOutputMs })
  }
}

const REJECTED = new RelayError('upstream_rejected', 'The provider refused to answer.')
const FAILED = new RelayError('upstream_failed', 'The provider failed to answer.')

function ignore(): void {}

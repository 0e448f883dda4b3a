import type { Call } from '../../call.js'
import { RelayError } from '../../errors.js'
import { randomText } from '../../lib/ids.js'
import {
  type Event,
  errorEvent,
  mattersToLimits,
  namedModels,
  readEvent,
  readHeard,
  readMaxOutput,
  tokensOfPiece,
} from '../../protocols/openai-realtime/events.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { toCallerError } from '../../requests/responses.js'
import { RealtimeAnswers, type SessionContext } from './realtime-answers.js'

/** RFC 6455: what was said is against the rules of the house; and: the other end met with something unforeseen. */
const [AGAINST_POLICY, UNFORESEEN] = [1008, 1011]

/** What becomes of a client's message: it goes on as it is, or not at all, or another goes on in its place. */
export type ForwardDecision = boolean | Buffer

/** A session that is open: every message passes by here, and what is to be limited or paid is seen to. */
export class RealtimeSession {
  readonly #session: SessionContext
  readonly #call: Call
  readonly #line: SocketClient
  readonly #turns: RealtimeAnswers
  /** The model that writes down what is said, at the provider. */
  #transcriber: string | undefined
  #isOver = false

  constructor(session: Omit<SessionContext, 'socket'>, call: Call, line: SocketClient) {
    this.#session = { ...session, socket: session.parts.sockets.open(line) }
    this.#call = call
    this.#line = line
    this.#turns = new RealtimeAnswers(this.#session)
    session.target.busy++
  }

  /** The client's next message, whole. Its bytes are not held on to. */
  onClientMessage(message: Buffer): ForwardDecision | Promise<ForwardDecision> {
    this.#session.socket.touch()
    if (!mattersToLimits(message)) return true
    const event = readEvent(message)
    // What only some readers take for JSON would get past every check.
    if (!event) return this.#refuse(new RelayError('invalid_request', 'The message is not a JSON object.'))
    try {
      this.#rename(event)
      // Of two fields of one name another reader might take the other, which nobody has checked.
      const spelled = Buffer.from(JSON.stringify(event))
      const said = spelled.equals(message) || spelled
      return event.type === 'response.create' ? this.#ask(event, spelled, said) : said
    } catch (error) {
      return this.#refuse(error, event.event_id)
    }
  }

  /** The provider's next message, whole. It has gone on to the client already. */
  onUpstreamMessage(message: Buffer): void {
    this.#session.socket.touch()
    const tokens = tokensOfPiece(message)
    if (tokens !== undefined) return this.#turns.came(tokens)
    this.#hear(message).catch((error: unknown) => {
      this.#refuse(error)
      // It speaks unasked: to stop it is to hang up.
      this.#line.close(AGAINST_POLICY, 'The session is not covered by the limits any more.')
    })
  }

  /** It is over: at an end's own wish (`complete`), or because the client or the provider has gone. Only the first time counts. */
  end(outcome: 'complete' | 'left' | 'cut'): void {
    if (this.#isOver) return
    this.#isOver = true
    const { target, socket } = this.#session
    if (outcome === 'cut') {
      this.#refuse(new RelayError('upstream_failed', 'The provider broke off the connection.'))
      this.#line.close(UNFORESEEN, 'The provider broke off the connection.')
    }
    this.#turns.end(outcome === 'cut' ? 'cut' : 'left')
    target.busy--
    socket.closed()
    this.#call.settle({ outcome, status: 101, target })
  }

  async #ask(event: Event, message: Buffer, said: ForwardDecision): Promise<ForwardDecision> {
    try {
      await this.#turns.ask({ body: message, eventId: event.event_id, maxOutputTokens: readMaxOutput(event) })
      return said
    } catch (error) {
      return this.#refuse(error, event.event_id)
    }
  }

  async #hear(message: Buffer): Promise<void> {
    const heard = readHeard(message)
    switch (heard?.type) {
      case 'begun':
        return this.#turns.begun(heard.id)
      case 'done':
        return this.#turns.done(heard.id, heard)
      case 'transcribed':
        return this.#turns.transcribed(heard.usage, this.#transcriber ?? this.#session.target.model)
      case 'configured':
        this.#transcriber = heard.transcriber
        return
      case 'failed':
        return this.#turns.refused(heard.eventId)
    }
  }

  /** Has an event name its models as the provider knows them. @throws {RelayError} for others than the caller's */
  #rename(event: Event): void {
    for (const { holder, isTranscriber } of namedModels(event))
      holder.model = isTranscriber ? this.#transcriberFor(holder.model) : this.#modelFor(holder.model)
  }

  #modelFor(model: unknown): string {
    const { target, model: own } = this.#session
    if (model === own || model === target.model) return target.model
    throw new RelayError('model_not_found', 'The model of a session cannot be changed.', { param: 'session.model' })
  }

  /** Only at the same provider: it is the one that hears. */
  #transcriberFor(model: unknown): string {
    const { parts, visit, target } = this.#session
    const name = String(model)
    const plan = parts.authenticator.mayUse(visit.caller, name) ? parts.router.find(name) : undefined
    const found = plan?.targets.find(({ upstream }) => upstream === target.upstream)
    if (found) return found.model
    const message = `The model \`${name.slice(0, 100)}\` does not exist or you do not have access to it.`
    throw new RelayError('model_not_found', message, { param: 'session.audio.input.transcription.model' })
  }

  #refuse(error: unknown, eventId?: unknown): false {
    const { parts, visit } = this.#session
    this.#line.send(errorEvent(toCallerError(error, parts.logger, visit.id), `event_${randomText(21)}`, eventId))
    return false
  }
}

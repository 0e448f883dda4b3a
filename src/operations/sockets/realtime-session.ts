import type { Call } from '../../call.js'
import { RelayError } from '../../errors.js'
import { randomText } from '../../lib/ids.js'
import {
  type Event,
  errorEvent,
  estimateDeltaTokens,
  modelFields,
  mustBeRead,
  readEvent,
  readMaxOutputTokens,
  readProviderEvent,
} from '../../protocols/openai-realtime/events.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { toCallerError } from '../../requests/responses.js'
import { RealtimeAnswers, type SessionContext } from './realtime-answers.js'

/** Close codes of RFC 6455: policy violation, internal error. */
const [POLICY_VIOLATION, INTERNAL_ERROR] = [1008, 1011]

/** Whether a client's message goes on to the provider: `true` unchanged, `false` not at all, a Buffer in its place. */
export type ForwardDecision = boolean | Buffer

/** An open realtime session. It sees every message, and applies limits and costs to each answer. */
export class RealtimeSession {
  readonly #session: SessionContext
  readonly #call: Call
  readonly #client: SocketClient
  readonly #answers: RealtimeAnswers
  /** The provider's name of the model that transcribes the input. */
  #transcriber: string | undefined
  #isEnded = false

  constructor(session: Omit<SessionContext, 'socket'>, call: Call, client: SocketClient) {
    this.#session = { ...session, socket: session.services.sockets.open(client) }
    this.#call = call
    this.#client = client
    this.#answers = new RealtimeAnswers(this.#session)
    session.target.busy++
  }

  /** Decides about a client's message. Does not keep its bytes. */
  onClientMessage(message: Buffer): ForwardDecision | Promise<ForwardDecision> {
    this.#session.socket.touch()
    if (!mustBeRead(message)) return true
    const event = readEvent(message)
    // A provider with a laxer parser must not read what the relay cannot check.
    if (!event) return this.#refuse(new RelayError('invalid_request', 'The message is not a JSON object.'))
    try {
      this.#renameModels(event)
      // Of duplicate fields the provider might read the one that was not checked, so the event is serialized again.
      const serialized = Buffer.from(JSON.stringify(event))
      const decision = serialized.equals(message) || serialized
      return event.type === 'response.create' ? this.#requestAnswer(event, serialized, decision) : decision
    } catch (error) {
      return this.#refuse(error, event.event_id)
    }
  }

  /** Reads a provider's message, which goes on to the client in any case. */
  onUpstreamMessage(message: Buffer): void {
    this.#session.socket.touch()
    const tokens = estimateDeltaTokens(message)
    if (tokens !== undefined) return this.#answers.onDelta(tokens)
    this.#onProviderEvent(message).catch((error: unknown) => {
      this.#refuse(error)
      // The provider started the answer by itself. Only closing the connection stops it.
      this.#client.close(POLICY_VIOLATION, 'The limits no longer cover this session.')
    })
  }

  /** Ends the session: `complete` after a close frame, `left` or `cut` where the client or the provider has disconnected. Only the first call counts. */
  end(outcome: 'complete' | 'left' | 'cut'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { target, socket } = this.#session
    if (outcome === 'cut') {
      this.#refuse(new RelayError('upstream_failed', 'The provider broke off the connection.'))
      this.#client.close(INTERNAL_ERROR, 'The provider broke off the connection.')
    }
    this.#answers.end(outcome === 'cut' ? 'cut' : 'left')
    target.busy--
    socket.onClose()
    this.#call.settle({ outcome, status: 101, target })
  }

  async #requestAnswer(event: Event, message: Buffer, decision: ForwardDecision): Promise<ForwardDecision> {
    try {
      await this.#answers.request({
        body: message,
        eventId: event.event_id,
        maxOutputTokens: readMaxOutputTokens(event),
      })
      return decision
    } catch (error) {
      return this.#refuse(error, event.event_id)
    }
  }

  async #onProviderEvent(message: Buffer): Promise<void> {
    const event = readProviderEvent(message)
    switch (event?.type) {
      case 'started':
        return this.#answers.onStart(event.id)
      case 'done':
        return this.#answers.onDone(event.id, event)
      case 'transcribed':
        return this.#answers.onTranscription(event.usage, this.#transcriber ?? this.#session.target.model)
      case 'configured':
        this.#transcriber = event.transcriber
        return
      case 'failed':
        return this.#answers.onError(event.eventId)
    }
  }

  /** Replaces public model names by the provider's. @throws {RelayError} for models that the caller may not use */
  #renameModels(event: Event): void {
    for (const { object, isTranscriber } of modelFields(event))
      object.model = isTranscriber ? this.#transcriberFor(object.model) : this.#modelFor(object.model)
  }

  #modelFor(model: unknown): string {
    const { target, model: publicName } = this.#session
    if (model === publicName || model === target.model) return target.model
    throw new RelayError('model_not_found', 'The model of a session cannot be changed.', { param: 'session.model' })
  }

  /** The transcription model must be at the same provider, which receives the audio. */
  #transcriberFor(model: unknown): string {
    const { services, context, target } = this.#session
    const name = String(model)
    const plan = services.authenticator.mayUse(context.caller, name) ? services.router.find(name) : undefined
    const found = plan?.targets.find(({ upstream }) => upstream === target.upstream)
    if (found) return found.model
    const message = `The model \`${name.slice(0, 100)}\` does not exist or you do not have access to it.`
    throw new RelayError('model_not_found', message, { param: 'session.audio.input.transcription.model' })
  }

  #refuse(error: unknown, eventId?: unknown): false {
    const { services, context } = this.#session
    this.#client.send(errorEvent(toCallerError(error, services.logger, context.id), `event_${randomText(21)}`, eventId))
    return false
  }
}

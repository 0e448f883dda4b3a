import { count, type Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import { isObject, parseJson } from '../../lib/values.js'
import { readUsage } from './usage.js'

/** An event, of either side. */
export type Event = Readonly<Record<string, unknown>>

/** What a message must hold to ask for an answer or to name a model, each in its own spelling, or by numbers in any. */
const SIGNS = ['response.create', '"model"', '\\', '\0'].map((sign) => Buffer.from(sign))

/** Whether a client's message has to be read: most are sound, and to parse it would cost more than to pass it on. */
export function mattersToLimits(message: Buffer): boolean {
  return SIGNS.some((sign) => message.includes(sign))
}

/** Undefined for what is no event. */
export function readEvent(message: Buffer): Event | undefined {
  const event = parseJson(message.toString())
  return isObject(event) ? event : undefined
}

/** A provider's event, as far as the relay is concerned. */
export type Heard =
  | { readonly type: 'begun'; readonly id: string }
  | { readonly type: 'done'; readonly id: string; readonly failed: boolean; readonly usage: Usage | undefined }
  | { readonly type: 'transcribed'; readonly usage: Usage | undefined }
  | { readonly type: 'configured'; readonly transcriber: string | undefined }
  | { readonly type: 'failed'; readonly eventId: string | undefined }

/** Undefined for events that say nothing of what is to be paid. */
export function readHeard(message: Buffer): Heard | undefined {
  const event = readEvent(message)
  switch (event?.type) {
    case 'response.created':
      return { type: 'begun', id: idOf(event.response) }
    case 'response.done': {
      const response = objectOf(event.response)
      return {
        type: 'done',
        id: idOf(response),
        failed: response.status === 'failed',
        usage: readUsage(response.usage),
      }
    }
    case 'conversation.item.input_audio_transcription.completed':
      return { type: 'transcribed', usage: readUsage(event.usage) }
    case 'session.created':
    case 'session.updated':
    case 'transcription_session.created':
    case 'transcription_session.updated':
      return { type: 'configured', transcriber: textOf(transcriptionsOf(event.session)[0]?.model) }
    case 'error':
      return { type: 'failed', eventId: textOf(objectOf(event.error).event_id) }
    default:
      return undefined
  }
}

/** The client's own cap on an answer that it asks for, in tokens; undefined where there is none, or `inf`. */
export function readMaxOutput(event: Event): number | undefined {
  const { max_output_tokens: today, max_response_output_tokens: beta } = objectOf(event.response)
  return count(today ?? beta) || undefined
}

/** What most messages of a session are, told by their beginning: a piece of an answer. */
const PIECE = /^\s*\{(?:\s*"event_id"\s*:\s*"[^"]*"\s*,)?\s*"type"\s*:\s*"([\w.]+)\.delta"/
/** So much of a message shows whether it is one. */
const BEGINNING = 160
/** Base64 of the 50 ms of PCM16 at 24 kHz that OpenAI counts as one token of sound that is written. */
const LETTERS_PER_AUDIO_TOKEN = 3200

/** About how many tokens a piece of an answer is; undefined for a message that is none. */
export function tokensOfPiece(message: Buffer): number | undefined {
  const piece = PIECE.exec(message.toString('latin1', 0, BEGINNING))
  if (!piece) return undefined
  return piece[1]?.endsWith('audio') ? message.length / LETTERS_PER_AUDIO_TOKEN : 1
}

/** Where a client's event names a model: the session's own, or another that writes down what it hears. */
export interface NamedModel {
  readonly holder: Record<string, unknown>
  readonly isTranscriber: boolean
}

/** Every place of an event where a model is named. */
export function namedModels(event: Event): NamedModel[] {
  const holders = [event, event.session, event.response].filter(isObject)
  const transcriptions = holders.flatMap(transcriptionsOf)
  return [
    ...holders.map((holder) => ({ holder, isTranscriber: false })),
    ...transcriptions.map((holder) => ({ holder, isTranscriber: true })),
  ].filter(({ holder }) => holder.model !== undefined && holder.model !== null)
}

/** Its settings for writing down what it hears: in the place of today, and in that of the beta. */
function transcriptionsOf(session: unknown): Record<string, unknown>[] {
  const { audio, input_audio_transcription: beta } = objectOf(session)
  return [objectOf(objectOf(audio).input).transcription, beta].filter(isObject)
}

/** An error of the relay's own, as an event with an id. `eventId`: of the client's event that it answers. */
export function errorEvent({ type, code, message, param }: RelayError, id: string, eventId?: unknown): string {
  const upstreamError = { type, code, message, param, event_id: textOf(eventId) ?? null }
  return JSON.stringify({ type: 'error', event_id: id, error: upstreamError })
}

function idOf(response: unknown): string {
  return textOf(objectOf(response).id) ?? ''
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

import { count, type Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import { isObject, parseJson } from '../../lib/values.js'
import { readUsage } from './usage.js'

/** An event of the Realtime API, of the client or the server. */
export type Event = Readonly<Record<string, unknown>>

/** A message that asks for an answer or names a model contains one of these, also with escapes or in UTF-16. */
const MARKS = ['response.create', '"model"', '\\', '\0'].map((mark) => Buffer.from(mark))

/** Whether a client's message must be read. Most are audio, and parsing them would cost more than forwarding them. */
export function mustBeRead(message: Buffer): boolean {
  return MARKS.some((mark) => message.includes(mark))
}

/** Undefined where the message is not a JSON object. */
export function readEvent(message: Buffer): Event | undefined {
  const event = parseJson(message.toString())
  return isObject(event) ? event : undefined
}

/** A provider's event, as far as limits and costs need it. */
export type ProviderEvent =
  | { readonly type: 'started'; readonly id: string }
  | { readonly type: 'done'; readonly id: string; readonly failed: boolean; readonly usage: Usage | undefined }
  | { readonly type: 'transcribed'; readonly usage: Usage | undefined }
  | { readonly type: 'configured'; readonly transcriber: string | undefined }
  | { readonly type: 'failed'; readonly eventId: string | undefined }

/** Undefined for events without effect on limits and costs. */
export function readProviderEvent(message: Buffer): ProviderEvent | undefined {
  const event = readEvent(message)
  switch (event?.type) {
    case 'response.created':
      return { type: 'started', id: idOf(event.response) }
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

/** The client's cap on an answer, in tokens; undefined without one, or for `inf`. */
export function readMaxOutputTokens(event: Event): number | undefined {
  const { max_output_tokens: current, max_response_output_tokens: beta } = objectOf(event.response)
  return count(current ?? beta) || undefined
}

/** The beginning of a delta, which most messages of a session are. */
const DELTA = /^\s*\{(?:\s*"event_id"\s*:\s*"[^"]*"\s*,)?\s*"type"\s*:\s*"([\w.]+)\.delta"/
/** Characters of a message that show whether it is a delta. */
const DELTA_PREFIX_LENGTH = 160
/** Base64 of 50 ms of PCM16 at 24 kHz, which OpenAI counts as one token of output audio. */
const BASE64_LENGTH_PER_AUDIO_TOKEN = 3200

/** Estimated tokens of a delta; undefined for any other message. */
export function estimateDeltaTokens(message: Buffer): number | undefined {
  const delta = DELTA.exec(message.toString('latin1', 0, DELTA_PREFIX_LENGTH))
  if (!delta) return undefined
  return delta[1]?.endsWith('audio') ? message.length / BASE64_LENGTH_PER_AUDIO_TOKEN : 1
}

/** A place in a client's event that names a model: of the session, or of the transcription of its input. */
export interface ModelField {
  /** The object with the field `model`. */
  readonly object: Record<string, unknown>
  readonly isTranscriber: boolean
}

/** All places in an event that name a model. */
export function modelFields(event: Event): ModelField[] {
  const objects = [event, event.session, event.response].filter(isObject)
  const transcriptions = objects.flatMap(transcriptionsOf)
  return [
    ...objects.map((object) => ({ object, isTranscriber: false })),
    ...transcriptions.map((object) => ({ object, isTranscriber: true })),
  ].filter(({ object }) => object.model !== undefined && object.model !== null)
}

/** Settings for the transcription of a session's input, in the current form and that of the beta. */
function transcriptionsOf(session: unknown): Record<string, unknown>[] {
  const { audio, input_audio_transcription: beta } = objectOf(session)
  return [objectOf(objectOf(audio).input).transcription, beta].filter(isObject)
}

/** Writes an error of the relay as an event. `id`: of the new event; `eventId`: of the client's event that caused it. */
export function errorEvent({ type, code, message, param }: RelayError, id: string, eventId?: unknown): string {
  const details = { type, code, message, param, event_id: textOf(eventId) ?? null }
  return JSON.stringify({ type: 'error', event_id: id, error: details })
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

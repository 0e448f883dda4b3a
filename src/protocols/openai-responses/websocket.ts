import { RelayError } from '../../errors.js'
import { findString } from '../../lib/splice.js'
import { isObject, parseJson } from '../../lib/values.js'

/** A client's request on a WebSocket. */
export interface SocketRequest {
  /** The body of the same request by HTTP, with a streamed answer. */
  readonly body: Buffer
  readonly model: unknown
  /** Id of the answer that this one continues from. */
  readonly previousResponseId: unknown
  /** The client sends its prompt in advance, and wants no answer yet. */
  readonly isWarmUp: boolean
  /** Distinguishes requests that are answered at the same time. Undefined without `stream_id`. */
  readonly streamId: string | undefined
}

/** Reads a client's message. @throws {RelayError} for anything but `response.create` */
export function readSocketRequest(message: Buffer): SocketRequest {
  const text = message.toString()
  const event = parseJson(text)
  if (!isObject(event)) throw new RelayError('invalid_request', 'The message is not a JSON object.')
  if (event.type !== 'response.create')
    throw new RelayError('invalid_request', 'The only supported message here is `response.create`.', { param: 'type' })
  const { model, previous_response_id: previousResponseId, generate } = event
  const body = Buffer.from(bodyOf(text, event))
  return { body, model, previousResponseId, isWarmUp: generate === false, streamId: readStreamId(event) }
}

const MAX_STREAM_ID_LENGTH = 256

function readStreamId({ stream_id: streamId }: Record<string, unknown>): string | undefined {
  if (streamId === undefined || streamId === null) return undefined
  if (typeof streamId === 'string' && streamId !== '' && streamId.length <= MAX_STREAM_ID_LENGTH) return streamId
  const message = `\`stream_id\` must be a string of 1 to ${MAX_STREAM_ID_LENGTH} characters.`
  throw new RelayError('invalid_request', message, { param: 'stream_id', code: 'invalid_stream_id' })
}

/** Fields that requests by HTTP do not have. */
const SOCKET_FIELDS = ['generate', 'stream', 'stream_id'] as const

/** Replaces `type` by `stream` in the text; serializes the event again where more must change. */
function bodyOf(text: string, event: Record<string, unknown>): string {
  const type = SOCKET_FIELDS.every((name) => event[name] === undefined) ? findString(text, 'type') : undefined
  if (type) return `${text.slice(0, text.lastIndexOf('"type"', type.start))}"stream":true${text.slice(type.end)}`
  const { type: _type, generate: _generate, stream_id: _stream, ...body } = event
  return JSON.stringify({ ...body, stream: true })
}

/** Adds the stream's id to an event. */
export function withStreamId(event: string, streamId: string | undefined): string {
  if (streamId === undefined || !event.startsWith('{"')) return event
  return `{"stream_id":${JSON.stringify(streamId)},${event.slice(1)}`
}

/** Converts an error response to an event. `headers`: of the response. */
export function errorEventOf(status: number, headers: Readonly<Record<string, string>>, body: Buffer): string {
  const parsed = parseJson(body.toString())
  const error = isObject(parsed) && isObject(parsed.error) ? parsed.error : {}
  const { code = null, message = '', param = null } = error
  return JSON.stringify({ type: 'error', status, code, message, param, error, headers })
}

/** The fields of an answer that no model has written. */
export interface EmptyAnswerFields {
  readonly id: string
  readonly model: string
  /** Epoch seconds. */
  readonly created_at: number
}

/** An answer without output: its events, and the answer itself. */
export function emptyAnswer(fields: EmptyAnswerFields): {
  readonly events: readonly string[]
  readonly answer: Buffer
} {
  const response = { object: 'response', ...fields, output: [] }
  const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
  const done = { ...response, status: 'completed', usage }
  const events = [
    { type: 'response.created', sequence_number: 0, response: { ...response, status: 'in_progress' } },
    { type: 'response.completed', sequence_number: 1, response: done },
  ]
  return { events: events.map((event) => JSON.stringify(event)), answer: Buffer.from(JSON.stringify(done)) }
}

/**
 * Removes reasoning that cannot be sent to a provider again: without `encrypted_content`, only the provider that stored
 * it could look it up.
 */
export function withoutUnsendableReasoning(answer: Buffer): Buffer {
  const response = parseJson(answer.toString())
  if (!isObject(response) || !Array.isArray(response.output)) return answer
  const output = response.output.filter(
    (item) => !isObject(item) || item.type !== 'reasoning' || typeof item.encrypted_content === 'string',
  )
  return output.length < response.output.length ? Buffer.from(JSON.stringify({ ...response, output })) : answer
}

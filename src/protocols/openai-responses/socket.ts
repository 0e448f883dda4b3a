import { RelayError } from '../../errors.js'
import { findString } from '../../lib/splice.js'
import { isObject, parseJson } from '../../lib/values.js'

/** What a client asks for on a WebSocket. */
export interface Asked {
  /** The same as the body of a request by HTTP, to be answered in a stream. */
  readonly body: Buffer
  readonly model: unknown
  /** The answer that this one goes on from. */
  readonly previous: unknown
  /** Nothing is to be written yet: the client shows its prompt ahead of time. */
  readonly isWarmUp: boolean
  /** Of several that are answered at the same time on one connection, which: its events say so. Undefined for the only one. */
  readonly stream: string | undefined
}

/** Reads a client's message. @throws {RelayError} for what is no `response.create` */
export function readAsked(message: Buffer): Asked {
  const text = message.toString()
  const event = parseJson(text)
  if (!isObject(event)) throw new RelayError('invalid_request', 'The message is not a JSON object.')
  if (event.type !== 'response.create')
    throw new RelayError('invalid_request', 'Only `response.create` is understood here.', { param: 'type' })
  const { model, previous_response_id: previous, generate } = event
  const body = Buffer.from(bodyOf(text, event))
  return { body, model, previous, isWarmUp: generate === false, stream: streamOf(event) }
}

/** Longer names are nobody's. */
const LONGEST_STREAM = 256

function streamOf({ stream_id: stream }: Record<string, unknown>): string | undefined {
  if (stream === undefined || stream === null) return undefined
  if (typeof stream === 'string' && stream !== '' && stream.length <= LONGEST_STREAM) return stream
  const message = `\`stream_id\` must be a text of 1 to ${LONGEST_STREAM} characters.`
  throw new RelayError('invalid_request', message, { param: 'stream_id', code: 'invalid_stream_id' })
}

/** Fields of a message that no request by HTTP has. */
const OWN = ['generate', 'stream', 'stream_id'] as const

/** The text as it came, but that `stream` stands in the place of `type`; written anew where there is more to be changed. */
function bodyOf(text: string, event: Record<string, unknown>): string {
  const type = OWN.every((name) => event[name] === undefined) ? findString(text, 'type') : undefined
  if (type) return `${text.slice(0, text.lastIndexOf('"type"', type.start))}"stream":true${text.slice(type.end)}`
  const { type: _type, generate: _generate, stream_id: _stream, ...body } = event
  return JSON.stringify({ ...body, stream: true })
}

/** An event of an answer, marked as one of its stream. */
export function marked(event: string, stream: string | undefined): string {
  if (stream === undefined || !event.startsWith('{"')) return event
  return `{"stream_id":${JSON.stringify(stream)},${event.slice(1)}`
}

/** What the answer to a request that failed says, as an event. `headers` are those of the answer. */
export function failedEvent(status: number, headers: Readonly<Record<string, string>>, body: Buffer): string {
  const parsed = parseJson(body.toString())
  const error = isObject(parsed) && isObject(parsed.error) ? parsed.error : {}
  const { code = null, message = '', param = null } = error
  return JSON.stringify({ type: 'error', status, code, message, param, error, headers })
}

/** What stands in an answer that no model has written. */
export interface Unwritten {
  readonly id: string
  readonly model: string
  /** In seconds since 1970. */
  readonly created_at: number
}

/** An answer without a word: its events, and itself. */
export function emptyAnswer(of: Unwritten): { readonly events: readonly string[]; readonly answer: Buffer } {
  const response = { object: 'response', ...of, output: [] }
  const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
  const done = { ...response, status: 'completed', usage }
  const events = [
    { type: 'response.created', sequence_number: 0, response: { ...response, status: 'in_progress' } },
    { type: 'response.completed', sequence_number: 1, response: done },
  ]
  return { events: events.map((event) => JSON.stringify(event)), answer: Buffer.from(JSON.stringify(done)) }
}

/**
 * An answer as far as it can be sent to a provider again that has kept nothing of it: without such reasoning as only the
 * provider could look up.
 */
export function repeatable(answer: Buffer): Buffer {
  const response = parseJson(answer.toString())
  if (!isObject(response) || !Array.isArray(response.output)) return answer
  const output = response.output.filter(
    (item) => !isObject(item) || item.type !== 'reasoning' || typeof item.encrypted_content === 'string',
  )
  return output.length < response.output.length ? Buffer.from(JSON.stringify({ ...response, output })) : answer
}

import { RelayError } from '../../errors.js'
import { isTooDeep } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { FindStoredResponse, ResponseStorage } from '../response-storage.js'

/** Fields and items that mean something only to whoever keeps earlier answers. */
const REFERENCES = ['"previous_response_id"', '"item_reference"', '"conversation"', '"background"'] as const
/** What a body must hold to be looked into: a reference, or a letter spelled by its number, which may hide one. */
const SIGNS = [...REFERENCES, '\\u00'] as const

/** `previous_response_id` and `item_reference`, by answers that the relay keeps. */
export const recall: ResponseStorage = {
  expandReferences(body, find) {
    if (!SIGNS.some((sign) => body.includes(sign))) return body
    const text = body.toString()
    const request = parseJson(text)
    // What is nested too deeply is refused when it is read.
    if (!isObject(request) || isTooDeep(request, body.length)) return body
    refuse(request, 'conversation', 'The relay keeps no conversations. Send the items themselves.')
    if (request.background) refuse(request, 'background', 'The relay runs nothing in the background.')
    const { previous_response_id: id, ...rest } = request
    const before = id === undefined || id === null ? [] : itemsBefore(id, find)
    const given = itemsOf(request)
    const own = given.map((item, index) => resolve(item, index, find))
    const changed = before.length > 0 || own.some((item, index) => item !== given[index])
    if (changed) return Buffer.from(JSON.stringify({ ...rest, input: [...before, ...own] }))
    return isAmbiguous(text, request) ? Buffer.from(JSON.stringify(request)) : body
  },

  isStorageRequested(body) {
    const request = parseJson(body.toString())
    return isObject(request) && request.store !== false
  },

  toStorable(body, answer) {
    const request = parseJson(body.toString())
    const response = parseJson(answer.toString())
    if (!isObject(request) || !isObject(response) || isTooDeep(response, answer.length)) return undefined
    const { id, output, status } = response
    if (typeof id !== 'string' || !Array.isArray(output) || status === 'failed') return undefined
    const items = output.filter((item) => isObject(item) && typeof item.id === 'string')
    return {
      id,
      answer: answer.toString(),
      items: JSON.stringify([...itemsOf(request), ...output]),
      parts: items.map((item) => ({ id: String(item.id), item: JSON.stringify(item) })),
    }
  },

  finalAnswer({ data }: SseRecord) {
    if (!/"type"\s*:\s*"response\.(?:completed|incomplete|done)"/.test(data)) return undefined
    const event = parseJson(data)
    if (!isObject(event) || !isObject(event.response) || isTooDeep(event, data.length)) return undefined
    return Buffer.from(JSON.stringify(event.response))
  },

  notFoundError(id) {
    const message = `Response with id '${spelled(id)}' not found.`
    return new RelayError('unknown_path', message, { code: null, param: 'response_id' })
  },

  writeDeleted(id) {
    return Buffer.from(JSON.stringify({ id, object: 'response', deleted: true }))
  },
}

/** Whether a reference stands in the text that was not seen in the request: of two fields, another reader may take the other. */
function isAmbiguous(text: string, request: object): boolean {
  const plain = text.replace(/\\u00([2-7][\da-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
  const seen = JSON.stringify(request)
  return REFERENCES.some((name) => plain.split(name).length !== seen.split(name).length)
}

/** A request's input as items: a text alone is one message. */
function itemsOf({ input }: Record<string, unknown>): unknown[] {
  if (typeof input === 'string')
    return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }]
  return Array.isArray(input) ? input : []
}

/** As much of an id as an error repeats. */
function spelled(id: unknown): string {
  return String(id).slice(0, 100)
}

function itemsBefore(id: unknown, find: FindStoredResponse): unknown[] {
  const kept = typeof id === 'string' ? find(id) : undefined
  if (!kept)
    throw missing(
      'previous_response_id',
      'previous_response_not_found',
      `Previous response with id '${spelled(id)}' not found.`,
    )
  return JSON.parse(kept.items) as unknown[]
}

function resolve(item: unknown, index: number, find: FindStoredResponse): unknown {
  if (!isObject(item) || item.type !== 'item_reference') return item
  const kept = typeof item.id === 'string' ? find(item.id) : undefined
  if (!kept) throw missing(`input[${index}].id`, 'item_not_found', `Item with id '${spelled(item.id)}' not found.`)
  return (JSON.parse(kept.items) as unknown[])[0]
}

function refuse(request: Record<string, unknown>, name: string, message: string): void {
  if (request[name] === undefined || request[name] === null) return
  throw new RelayError('invalid_request', message, { param: name, code: 'unsupported_parameter' })
}

function missing(param: string, code: string, message: string): RelayError {
  const hint = 'This relay keeps answers only if `responses.store` is on, and each for its own caller.'
  return new RelayError('invalid_request', `${message} ${hint}`, { param, code })
}

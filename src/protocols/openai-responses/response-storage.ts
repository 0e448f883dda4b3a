import { RelayError } from '../../errors.js'
import { isTooDeep } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { FindStoredResponse, ResponseStorage } from '../response-storage.js'

type Fields = Record<string, unknown>

/** Fields and items that refer to stored state, in quotes as JSON has them. */
const REFERENCE_NAMES = ['"previous_response_id"', '"item_reference"', '"conversation"', '"background"'] as const
/** A body without any of these has no reference. The last is an escaped character, which may be part of such a name. */
const REFERENCE_MARKERS = [...REFERENCE_NAMES, '\\u00'] as const

/** Resolves `previous_response_id` and `item_reference` from answers that the relay has stored. */
export const responseStorage: ResponseStorage = {
  expandReferences(body, find) {
    if (!REFERENCE_MARKERS.some((marker) => body.includes(marker))) return body
    const text = body.toString()
    const request = parseJson(text)
    // Reading the request will refuse a body that is nested too deeply.
    if (!isObject(request) || isTooDeep(request, body.length)) return body
    failIfGiven(request, 'conversation', 'The relay stores no conversations. Send the items themselves.')
    if (request.background) failIfGiven(request, 'background', 'The relay runs no responses in the background.')
    const { previous_response_id: previousId, ...rest } = request
    const previousItems = previousId === undefined || previousId === null ? [] : findPreviousItems(previousId, find)
    const items = inputItems(request)
    const resolved = items.map((item, index) => resolveReference(item, index, find))
    const hasChanged = previousItems.length > 0 || resolved.some((item, index) => item !== items[index])
    if (hasChanged) return Buffer.from(JSON.stringify({ ...rest, input: [...previousItems, ...resolved] }))
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
    const itemsWithId = output.filter((item) => isObject(item) && typeof item.id === 'string')
    return {
      id,
      answer: answer.toString(),
      items: JSON.stringify([...inputItems(request), ...output]),
      parts: itemsWithId.map((item) => ({ id: String(item.id), item: JSON.stringify(item) })),
    }
  },

  finalAnswer({ data }: SseRecord) {
    if (!/"type"\s*:\s*"response\.(?:completed|incomplete|done)"/.test(data)) return undefined
    const event = parseJson(data)
    if (!isObject(event) || !isObject(event.response) || isTooDeep(event, data.length)) return undefined
    return Buffer.from(JSON.stringify(event.response))
  },

  notFoundError(id) {
    const message = `Response with id '${shortId(id)}' not found.`
    return new RelayError('unknown_path', message, { code: null, param: 'response_id' })
  },

  writeDeleted(id) {
    return Buffer.from(JSON.stringify({ id, object: 'response', deleted: true }))
  },
}

/**
 * Whether the text has a reference that the parsed request lacks. That happens when a field occurs twice: another parser
 * may read the one that this parser has dropped.
 */
function isAmbiguous(text: string, request: object): boolean {
  const unescaped = text.replace(/\\u00([2-7][\da-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
  const serialized = JSON.stringify(request)
  return REFERENCE_NAMES.some((name) => unescaped.split(name).length !== serialized.split(name).length)
}

/** A request's input as items. A string becomes one message. */
function inputItems({ input }: Fields): unknown[] {
  if (typeof input === 'string')
    return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }]
  return Array.isArray(input) ? input : []
}

/** The start of an id, for an error message. */
function shortId(id: unknown): string {
  return String(id).slice(0, 100)
}

function findPreviousItems(id: unknown, find: FindStoredResponse): unknown[] {
  const stored = typeof id === 'string' ? find(id) : undefined
  if (!stored)
    throw referenceError(
      'previous_response_id',
      'previous_response_not_found',
      `Previous response with id '${shortId(id)}' not found.`,
    )
  return JSON.parse(stored.items) as unknown[]
}

function resolveReference(item: unknown, index: number, find: FindStoredResponse): unknown {
  if (!isObject(item) || item.type !== 'item_reference') return item
  const stored = typeof item.id === 'string' ? find(item.id) : undefined
  if (!stored)
    throw referenceError(`input[${index}].id`, 'item_not_found', `Item with id '${shortId(item.id)}' not found.`)
  return (JSON.parse(stored.items) as unknown[])[0]
}

function failIfGiven(request: Fields, name: string, message: string): void {
  if (request[name] === undefined || request[name] === null) return
  throw new RelayError('invalid_request', message, { param: name, code: 'unsupported_parameter' })
}

function referenceError(param: string, code: string, message: string): RelayError {
  const hint = 'The relay stores answers only if `responses.store` is on. Callers can refer only to their own.'
  return new RelayError('invalid_request', `${message} ${hint}`, { param, code })
}

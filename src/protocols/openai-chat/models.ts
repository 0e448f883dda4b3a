import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'
import type { ModelEntry } from '../protocol.js'

/** 2024-01-01, in epoch seconds. Clients need a date, and a name that stands for several models has none. */
const CREATED_AT = 1_704_067_200

/** Writes `{ "object": "list", "data": [ … ] }`. */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ object: 'list', data: models.map(modelObject) }))
}

/** Writes one entry of that list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(modelObject(model)))
}

/** OpenAI's fields, then the fields of gateways that list many vendors' models. Clients read either name of the window. */
function modelObject({ id, ownedBy, contextWindow, price }: ModelEntry): object {
  return {
    id,
    object: 'model',
    created: CREATED_AT,
    owned_by: ownedBy,
    context_window: contextWindow,
    context_length: contextWindow,
    pricing: price,
  }
}

/** `GET /models`: one page with all models. */
export const listing: ModelListing = { pathFor: () => '/models', readPage }

/** Reads `{ "object": "list", "data": [{ "id" }] }`, or a bare array. A server without models may send null as `data`. */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  const isEmpty = isObject(answer) && answer.object === 'list' && answer.data === null
  const rows = isObject(answer) ? answer.data : answer
  if (isEmpty) return { names: [], next: undefined }
  return Array.isArray(rows) ? { names: namesIn(rows, 'id'), next: undefined } : undefined
}

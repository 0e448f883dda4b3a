import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'
import type { ModelEntry } from '../protocol.js'

/** Clients need a date. A name that stands for several models has none, so all entries get this one. */
const CREATED_AT = '2024-01-01T00:00:00Z'

/** Writes `{ "data": [ … ], "has_more", "first_id", "last_id" }`, with all models on one page. */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  const data = models.map(modelObject)
  const first_id = models[0]?.id ?? null
  const last_id = models.at(-1)?.id ?? null
  return Buffer.from(JSON.stringify({ data, has_more: false, first_id, last_id }))
}

/** Writes one entry of that list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(modelObject(model)))
}

function modelObject({ id, contextWindow }: ModelEntry): object {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: CREATED_AT,
    lifecycle: 'active',
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: contextWindow ?? null,
    max_tokens: null,
    capabilities: null,
  }
}

/** `GET /v1/models`. Asks for 1000 models a page, the most that Anthropic allows. */
export const listing: ModelListing = {
  pathFor: (after) => `/v1/models?limit=1000${after === undefined ? '' : `&after_id=${encodeURIComponent(after)}`}`,
  readPage,
}

/** Reads `{ "data": [{ "id" }], "has_more", "last_id" }`. Returns undefined for any other body. */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer) || !Array.isArray(answer.data)) return undefined
  const { data, has_more: hasMore, last_id: last } = answer
  return { names: namesIn(data, 'id'), next: hasMore === true && typeof last === 'string' ? last : undefined }
}

import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'

/** `GET /v1/models`, a thousand on a page: more are not given. */
export const listing: ModelListing = {
  pathFor: (after) => `/v1/models?limit=1000${after === undefined ? '' : `&after_id=${encodeURIComponent(after)}`}`,
  readPage,
}

/** `{ "data": [{ "id" }], "has_more", "last_id" }` */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer) || !Array.isArray(answer.data)) return undefined
  const { data, has_more: hasMore, last_id: last } = answer
  return { names: namesIn(data, 'id'), next: hasMore === true && typeof last === 'string' ? last : undefined }
}

import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'

/** `GET /models`: all of them on one page. */
export const listing: ModelListing = { pathFor: () => '/models', readPage }

/** `{ "object": "list", "data": [{ "id" }] }`, or the array alone. A server without models may say `null` in its place. */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  const isEmpty = isObject(answer) && answer.object === 'list' && answer.data === null
  const rows = isObject(answer) ? answer.data : answer
  if (isEmpty) return { names: [], next: undefined }
  return Array.isArray(rows) ? { names: namesIn(rows, 'id'), next: undefined } : undefined
}

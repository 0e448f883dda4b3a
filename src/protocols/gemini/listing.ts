import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'
import { modelOf } from './paths.js'

/** `GET /v1beta/models`, a thousand on a page: more are not given. */
export const listing: ModelListing = {
  pathFor: (after) =>
    `/v1beta/models?pageSize=1000${after === undefined ? '' : `&pageToken=${encodeURIComponent(after)}`}`,
  readPage,
}

/** `{ "models": [{ "name": "models/…" }], "nextPageToken" }`. A place without models says `{}`. */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return undefined
  const { models, nextPageToken: next } = answer
  const rows = models === undefined && Object.keys(answer).length === 0 ? [] : models
  if (!Array.isArray(rows)) return undefined
  return { names: namesIn(rows, 'name').map(modelOf), next: typeof next === 'string' && next !== '' ? next : undefined }
}

import { isObject, parseJson } from '../../lib/values.js'
import { type ModelListing, type ModelPage, namesIn } from '../model-listing.js'
import type { ModelEntry } from '../protocol.js'
import { modelOf } from './paths.js'

/** Writes the list of models: `{ "models": [ … ] }`. */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ models: models.map(modelFields) }))
}

/** Writes one model as in the list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(modelFields(model)))
}

function modelFields({ id, contextWindow }: ModelEntry): object {
  return {
    name: `models/${id}`,
    version: '',
    displayName: id,
    inputTokenLimit: contextWindow,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  }
}

/** Lists models by `GET /v1beta/models`. A page holds at most 1000. */
export const listing: ModelListing = {
  pathFor: (after) =>
    `/v1beta/models?pageSize=1000${after === undefined ? '' : `&pageToken=${encodeURIComponent(after)}`}`,
  readPage,
}

/** Reads `{ "models": [{ "name": "models/…" }], "nextPageToken" }`. An empty list comes as `{}`. */
function readPage(body: Buffer): ModelPage | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return undefined
  const { models, nextPageToken: next } = answer
  const rows = models === undefined && Object.keys(answer).length === 0 ? [] : models
  if (!Array.isArray(rows)) return undefined
  return { names: namesIn(rows, 'name').map(modelOf), next: typeof next === 'string' && next !== '' ? next : undefined }
}

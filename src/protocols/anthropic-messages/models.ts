import type { ModelEntry } from '../protocol.js'

/** Clients require a date. A name that leads to several models has none, so all entries get the same one. */
const CREATED = '2024-01-01T00:00:00Z'

/** `{ "data": [ … ], "first_id", "last_id", "has_more" }`: all of them on one page. */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  const data = models.map(spell)
  const first_id = models[0]?.id ?? null
  const last_id = models.at(-1)?.id ?? null
  return Buffer.from(JSON.stringify({ data, has_more: false, first_id, last_id }))
}

/** One entry of that list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(spell(model)))
}

function spell({ id, contextWindow }: ModelEntry): object {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: CREATED,
    lifecycle: 'active',
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: contextWindow ?? null,
    max_tokens: null,
    capabilities: null,
  }
}

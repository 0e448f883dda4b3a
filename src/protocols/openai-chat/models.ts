import type { ModelEntry } from '../protocol.js'

/** 2024-01-01, in epoch seconds. Clients want a date; a name that stands for several models has none of its own. */
const CREATED = 1_704_067_200

/** `{ "object": "list", "data": [ … ] }` */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ object: 'list', data: models.map(spell) }))
}

/** One entry of that list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(spell(model)))
}

/** OpenAI's own fields, and those that others who list many makers' models have beside them: clients read either name. */
function spell({ id, ownedBy, contextWindow, price }: ModelEntry): object {
  return {
    id,
    object: 'model',
    created: CREATED,
    owned_by: ownedBy,
    context_window: contextWindow,
    context_length: contextWindow,
    pricing: price,
  }
}

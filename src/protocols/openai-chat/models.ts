import type { ModelEntry } from '../protocol.js'

/** Clients want a date; a name that stands for several models has none of its own. */
const CREATED = 1_704_067_200

export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ object: 'list', data: models.map(spell) }))
}

export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(spell(model)))
}

function spell({ id, ownedBy }: ModelEntry): object {
  return { id, object: 'model', created: CREATED, owned_by: ownedBy }
}

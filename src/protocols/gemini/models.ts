import type { ModelEntry } from '../protocol.js'

/** `{ "models": [ … ] }` */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ models: models.map(spell) }))
}

/** One entry of that list. */
export function writeModel(model: ModelEntry): Buffer {
  return Buffer.from(JSON.stringify(spell(model)))
}

function spell({ id, contextWindow }: ModelEntry): object {
  return {
    name: `models/${id}`,
    version: '',
    displayName: id,
    inputTokenLimit: contextWindow,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  }
}

import type { ModelEntry } from '../protocol.js'

/** `{ "models": [ … ] }` */
export function writeModels(models: readonly ModelEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ models: models.map(modelFields) }))
}

/** One entry of that list. */
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

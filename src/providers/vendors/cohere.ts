import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...BASIC_SERVER,
  temperatureRange: [0, 1],
  maxEmbeddingInputs: 96,
  unsupportedSettings: [
    'choices',
    'parallelToolCalls',
    'serviceTier',
    'metadata',
    'modalities',
    'verbosity',
    'logprobs',
  ],
}

/** Cohere, by its OpenAI-compatible API. */
export const cohere: Provider = {
  id: 'cohere',
  baseURL: 'https://api.cohere.ai/compatibility/v1',
  keyVariable: 'CO_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily([[/reasoning|command-a-plus/, { ...COMMON, reasoningEfforts: ['none', 'high'] }]], {
    ...COMMON,
    reasoning: 'none',
  }),
  sign: bearer,
  models: ['command-*', 'c4ai-*'],
  familiarModel: 'command-a',
}

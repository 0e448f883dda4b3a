import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...BASIC_SERVER,
  temperatureRange: [0, 1.99],
  outputFormats: ['schema'],
  unsupportedSettings: ['seed', 'choices', 'logprobs', 'verbosity', 'metadata', 'serviceTier', 'modalities'],
}

/** Perplexity: answers with web search. */
export const perplexity: Provider = {
  id: 'perplexity',
  baseURL: 'https://api.perplexity.ai',
  keyVariable: 'PERPLEXITY_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily([[/deep-research/, { ...COMMON, reasoningEfforts: ['minimal', 'low', 'medium', 'high'] }]], {
    ...COMMON,
    reasoning: 'none',
  }),
  sign: bearer,
  models: ['sonar', 'sonar-*'],
  familiarModel: 'sonar',
}

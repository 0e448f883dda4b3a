import type { Dialect } from '../../protocols/dialect.js'
import { byFamily, OLD_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...OLD_SERVER,
  temperatures: [0, 1.99],
  formats: ['schema'],
  unsupported: ['seed', 'choices', 'logprobs', 'verbosity', 'metadata', 'serviceTier', 'modalities'],
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

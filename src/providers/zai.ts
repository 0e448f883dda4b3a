import type { Dialect } from '../protocols/dialect.js'
import { byFamily, PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

const COMMON: Dialect = {
  ...PLAIN,
  temperatures: [0, 1],
  toolChoices: ['auto'],
  formats: ['json'],
  stopSequences: 1,
  untaken: ['frequencyPenalty', 'presencePenalty', 'seed', 'choices', 'logprobs', 'parallelToolCalls'],
  reasoningField: 'thinking',
}

/** Z.AI: GLM, by its international address; the mainland one and the one for coding plans are a `baseURL`. */
export const zai: Provider = {
  id: 'zai',
  baseURL: 'https://api.z.ai/api/paas/v4',
  keyVariable: 'ZAI_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  paths: { 'anthropic-messages': '/api/anthropic' },
  counts: false,
  dialect: byFamily(
    [
      [/^glm-(?:[1-3]|4(?:v|-))/i, { ...COMMON, reasoning: 'none' }],
      [/^glm-(?:4\.|5(?:v|\.[01])?(?:$|-))/i, COMMON],
    ],
    { ...COMMON, efforts: ['none', 'high', 'max'] },
  ),
  sign: bearer,
  models: ['glm-*', 'GLM-*'],
  familiarModel: 'glm-5.2',
}

import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...BASIC_SERVER,
  temperatureRange: [0, 1],
  toolChoices: ['auto'],
  outputFormats: ['json'],
  maxStopSequences: 1,
  unsupportedSettings: ['frequencyPenalty', 'presencePenalty', 'seed', 'choices', 'logprobs', 'parallelToolCalls'],
  reasoningField: 'thinking',
}

/** Z.AI (GLM), by its international API. The Chinese API and that for coding plans need a `baseURL`. */
export const zai: Provider = {
  id: 'zai',
  baseURL: 'https://api.z.ai/api/paas/v4',
  keyVariable: 'ZAI_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/api/anthropic' },
  countsTokens: false,
  dialect: byFamily(
    [
      [/^glm-(?:[1-3]|4(?:v|-))/i, { ...COMMON, reasoning: 'none' }],
      [/^glm-(?:4\.|5(?:v|\.[01])?(?:$|-))/i, COMMON],
    ],
    { ...COMMON, reasoningEfforts: ['none', 'high', 'max'] },
  ),
  sign: bearer,
  models: ['glm-*', 'GLM-*'],
  familiarModel: 'glm-5.2',
}

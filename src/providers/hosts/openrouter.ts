import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** OpenRouter: models of many vendors, as `vendor/model`. It drops settings that a model does not support. */
export const openrouter: Provider = {
  id: 'openrouter',
  baseURL: 'https://openrouter.ai/api/v1',
  keyVariable: 'OPENROUTER_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => ({ basicFieldsOnly: true, reasoningField: 'reasoning' }),
  sign: bearer,
  models: [],
}

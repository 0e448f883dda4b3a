import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** OpenRouter: other places' models by `vendor/model`. It leaves out itself what a model does not take. */
export const openrouter: Provider = {
  id: 'openrouter',
  baseURL: 'https://openrouter.ai/api/v1',
  keyVariable: 'OPENROUTER_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => ({ isOldServer: true, reasoningField: 'reasoning' }),
  sign: bearer,
  models: [],
}

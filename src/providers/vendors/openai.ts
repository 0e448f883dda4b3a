import { gptDialect } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** OpenAI's own API. */
export const openai: Provider = {
  id: 'openai',
  baseURL: 'https://api.openai.com/v1',
  keyVariable: 'OPENAI_API_KEY',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: gptDialect,
  sign: bearer,
  models: ['gpt-*', 'chatgpt-*', 'o1*', 'o3*', 'o4*', 'ft:gpt-*'],
  familiarModel: 'gpt-5-mini',
}

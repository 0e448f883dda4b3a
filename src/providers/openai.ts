import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** OpenAI's own API. */
export const openai: Provider = {
  id: 'openai',
  baseURL: 'https://api.openai.com/v1',
  keyVariable: 'OPENAI_API_KEY',
  speaks: ['openai-chat'],
  sign: bearer,
  models: ['gpt-*', 'chatgpt-*', 'o1*', 'o3*', 'o4*', 'ft:gpt-*'],
}

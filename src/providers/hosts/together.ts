import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Together AI: open models, by the names of their vendors. */
export const together: Provider = {
  id: 'together',
  baseURL: 'https://api.together.xyz/v1',
  keyVariable: 'TOGETHER_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily([[/gpt-oss/, { ...BASIC_SERVER, reasoningEfforts: ['low', 'medium', 'high'] }]], {
    ...BASIC_SERVER,
    reasoning: 'none',
  }),
  sign: bearer,
  models: [],
}

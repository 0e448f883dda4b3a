import { byFamily, PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** Together AI: open models, by their makers' names for them. */
export const together: Provider = {
  id: 'together',
  baseURL: 'https://api.together.xyz/v1',
  keyVariable: 'TOGETHER_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily([[/gpt-oss/, { ...PLAIN, reasoningEfforts: ['low', 'medium', 'high'] }]], {
    ...PLAIN,
    reasoning: 'none',
  }),
  sign: bearer,
  models: [],
}

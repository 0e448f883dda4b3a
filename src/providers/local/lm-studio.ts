import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** LM Studio, on this machine. */
export const lmStudio: Provider = {
  id: 'lm-studio',
  baseURL: 'http://127.0.0.1:1234/v1',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => BASIC_SERVER,
  sign: bearer,
  models: [],
}

import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Ollama, on this machine. */
export const ollama: Provider = {
  id: 'ollama',
  baseURL: 'http://127.0.0.1:11434/v1',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => BASIC_SERVER,
  sign: bearer,
  models: [],
}

import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** llama.cpp's server, on this machine. */
export const llamaCpp: Provider = {
  id: 'llama-cpp',
  baseURL: 'http://127.0.0.1:8080/v1',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  dialect: () => BASIC_SERVER,
  sign: bearer,
  models: [],
}

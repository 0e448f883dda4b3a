import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** vLLM, on this machine. */
export const vllm: Provider = {
  id: 'vllm',
  baseURL: 'http://127.0.0.1:8000/v1',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => BASIC_SERVER,
  sign: bearer,
  models: [],
}

import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Fireworks AI. */
export const fireworks: Provider = {
  id: 'fireworks',
  baseURL: 'https://api.fireworks.ai/inference/v1',
  keyVariable: 'FIREWORKS_API_KEY',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  countsTokens: false,
  dialect: () => ({ ...BASIC_SERVER, reasoningEfforts: ['none', 'low', 'medium', 'high'] }),
  sign: bearer,
  models: ['accounts/fireworks/*'],
  familiarModel: 'accounts/fireworks/models/deepseek-v4-pro',
}

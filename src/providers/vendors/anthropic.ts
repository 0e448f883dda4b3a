import { claudeDialect } from '../families.js'
import type { Provider } from '../provider.js'

/** Anthropic's own API. */
export const anthropic: Provider = {
  id: 'anthropic',
  baseURL: 'https://api.anthropic.com',
  keyVariable: 'ANTHROPIC_API_KEY',
  speaks: ['anthropic-messages'],
  dialect: claudeDialect,
  sign: (apiKey) => ['x-api-key', apiKey],
  models: ['claude-*'],
  familiarModel: 'claude-haiku-4-5',
}

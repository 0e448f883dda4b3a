import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Its models reason by default, and then need all reasoning of earlier turns back. */
const DIALECT: Dialect = {
  ...BASIC_SERVER,
  reasoningField: 'thinking',
  reasoningEfforts: ['none', 'low', 'high', 'max'],
  expectsPastReasoning: true,
  pastReasoningPlaceholder: { text: '', everywhere: true },
  toolChoicesWhileReasoning: ['auto', 'none'],
  outputFormats: ['json'],
  unsupportedSettings: ['seed', 'choices', 'verbosity', 'metadata', 'serviceTier', 'parallelToolCalls'],
}

/** DeepSeek. */
export const deepseek: Provider = {
  id: 'deepseek',
  baseURL: 'https://api.deepseek.com',
  keyVariable: 'DEEPSEEK_API_KEY',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/anthropic' },
  countsTokens: false,
  dialect: () => DIALECT,
  sign: bearer,
  models: ['deepseek-*'],
  familiarModel: 'deepseek-v4-flash',
}

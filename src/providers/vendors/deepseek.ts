import type { Dialect } from '../../protocols/dialect.js'
import { OLD_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Its models reason by default, and then need all reasoning of earlier turns back. */
const DIALECT: Dialect = {
  ...OLD_SERVER,
  reasoningField: 'thinking',
  reasoningEfforts: ['none', 'low', 'high', 'max'],
  echoesReasoning: true,
  missingReasoning: { text: '', everywhere: true },
  toolChoicesReasoning: ['auto', 'none'],
  formats: ['json'],
  unsupported: ['seed', 'choices', 'verbosity', 'metadata', 'serviceTier', 'parallelToolCalls'],
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

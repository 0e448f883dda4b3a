import type { Dialect } from '../protocols/dialect.js'
import { PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** Its models think by default, and then miss every thought that the history does not bring back. */
const DIALECT: Dialect = {
  ...PLAIN,
  reasoningField: 'thinking',
  efforts: ['none', 'low', 'high', 'max'],
  echoesReasoning: true,
  lostReasoning: { text: '', everywhere: true },
  toolChoicesReasoning: ['auto', 'none'],
  formats: ['json'],
  untaken: ['seed', 'choices', 'verbosity', 'metadata', 'serviceTier', 'parallelToolCalls'],
}

/** DeepSeek. */
export const deepseek: Provider = {
  id: 'deepseek',
  baseURL: 'https://api.deepseek.com',
  keyVariable: 'DEEPSEEK_API_KEY',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages'],
  paths: { 'anthropic-messages': '/anthropic' },
  counts: false,
  dialect: () => DIALECT,
  sign: bearer,
  models: ['deepseek-*'],
  familiarModel: 'deepseek-v4-flash',
}

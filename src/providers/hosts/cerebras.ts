import type { Dialect } from '../../protocols/dialect.js'
import { byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  unsupportedSettings: ['frequencyPenalty', 'presencePenalty', 'choices', 'verbosity', 'metadata', 'modalities'],
  temperatureRange: [0, 1.5],
  basicFieldsOnly: true,
  renamedFields: { max_tokens: 'max_completion_tokens' },
}

/** Cerebras. */
export const cerebras: Provider = {
  id: 'cerebras',
  baseURL: 'https://api.cerebras.ai/v1',
  keyVariable: 'CEREBRAS_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily(
    [
      [/gpt-oss/, { ...COMMON, reasoningEfforts: ['low', 'medium', 'high'] }],
      [/^qwen-3\.\d|glm/, { ...COMMON, reasoningEfforts: ['none', 'low', 'medium', 'high'] }],
    ],
    { ...COMMON, reasoning: 'none' },
  ),
  sign: bearer,
  models: ['zai-glm-*'],
}

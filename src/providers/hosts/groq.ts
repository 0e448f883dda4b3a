import type { Dialect } from '../../protocols/dialect.js'
import { byFamily, FOREIGN_MESSAGE_FIELDS } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  basicFieldsOnly: true,
  refusedMessageFields: [...FOREIGN_MESSAGE_FIELDS, 'refusal', 'annotations', 'audio'],
  unsupportedSettings: ['logprobs', 'choices', 'verbosity', 'modalities'],
  reasoning: 'none',
}

/** Groq. */
export const groq: Provider = {
  id: 'groq',
  baseURL: 'https://api.groq.com/openai/v1',
  keyVariable: 'GROQ_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily(
    [
      [/gpt-oss/, { ...COMMON, reasoning: 'effort', reasoningEfforts: ['low', 'medium', 'high'] }],
      // By default the reasoning is part of the text, in tags.
      [/qwen|deepseek-r1/, { ...COMMON, extraFields: { reasoning_format: 'parsed' } }],
    ],
    COMMON,
  ),
  sign: bearer,
  models: ['llama-*-versatile', 'llama-*-instant'],
  familiarModel: 'llama-3.3-70b-versatile',
}

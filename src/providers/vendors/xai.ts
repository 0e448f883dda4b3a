import type { Dialect } from '../../protocols/dialect.js'
import { byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Reasoning models refuse these. The relay itself ends answers at stop sequences. */
const THINKING: Dialect = { unsupportedSettings: ['frequencyPenalty', 'presencePenalty'], maxStopSequences: 0 }
const SILENT: Dialect = { ...THINKING, reasoning: 'none' }

/** xAI: Grok. */
export const xai: Provider = {
  id: 'xai',
  catalogId: 'x-ai',
  baseURL: 'https://api.x.ai/v1',
  keyVariable: 'XAI_API_KEY',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: byFamily(
    [
      [/^grok-3-mini/, { ...THINKING, reasoningEfforts: ['low', 'high'] }],
      [/non-reasoning|^grok-[23]/, { reasoning: 'none' }],
      [/^grok-4\.3/, { ...THINKING, reasoningEfforts: ['none', 'low', 'medium', 'high'] }],
      // These fix their effort in the name, or do not accept one.
      [/^grok-(?:4(?:$|-|\.20)|code|build)/, SILENT],
    ],
    { ...THINKING, reasoningEfforts: ['low', 'medium', 'high'] },
  ),
  sign: bearer,
  models: ['grok-*'],
  familiarModel: 'grok-4.3',
}

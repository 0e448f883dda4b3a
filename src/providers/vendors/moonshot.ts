import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = { ...BASIC_SERVER, temperatureRange: [0, 1], toolChoices: ['auto', 'none', 'tool'] }
/** A space replaces reasoning that the client has dropped, so that no request is refused. */
const THINKING: Dialect = { ...COMMON, expectsPastReasoning: true, pastReasoningPlaceholder: { text: ' ' } }

/** Moonshot (Kimi), by its international API. The Chinese API, with keys of its own, needs a `baseURL`. */
export const moonshot: Provider = {
  id: 'moonshot',
  catalogId: 'moonshotai',
  baseURL: 'https://api.moonshot.ai/v1',
  keyVariable: 'MOONSHOT_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/anthropic' },
  countsTokens: false,
  dialect: byFamily(
    [
      [/^kimi-k2-thinking/, { ...THINKING, toolChoices: ['auto', 'none'], reasoning: 'none' }],
      [/^(?:kimi-k2(?!\.)|moonshot-)/, { ...COMMON, reasoning: 'none' }],
    ],
    // From K2.5 on: no sampling settings.
    {
      ...THINKING,
      sampling: 'none',
      reasoningField: 'thinking',
      toolChoicesWhileReasoning: ['auto', 'none'],
      unsupportedSettings: ['choices'],
    },
  ),
  sign: bearer,
  models: ['kimi-*', 'moonshot-*'],
  familiarModel: 'kimi-k2.5',
}

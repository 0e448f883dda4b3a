import type { Dialect } from '../protocols/dialect.js'
import { byFamily, PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

const COMMON: Dialect = { ...PLAIN, temperatures: [0, 1], toolChoices: ['auto', 'none', 'tool'] }
/** A thought that the client has lost is a space: nothing is refused. */
const THINKING: Dialect = { ...COMMON, echoesReasoning: true, missingReasoning: { text: ' ' } }

/** Moonshot: Kimi, by its international address; the mainland one, with keys of its own, is a `baseURL`. */
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
    // From K2.5 on: how words are picked is its own affair.
    {
      ...THINKING,
      sampling: 'none',
      reasoningField: 'thinking',
      toolChoicesReasoning: ['auto', 'none'],
      unsupported: ['choices'],
    },
  ),
  sign: bearer,
  models: ['kimi-*', 'moonshot-*'],
  familiarModel: 'kimi-k2.5',
}

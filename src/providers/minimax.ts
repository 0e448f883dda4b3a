import type { Dialect } from '../protocols/dialect.js'
import { byFamily, PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

const COMMON: Dialect = {
  ...PLAIN,
  reasoning: 'none',
  temperatures: [0.01, 1],
  toolChoices: ['auto', 'none'],
  maxStopSequences: 0,
  unsupported: ['frequencyPenalty', 'presencePenalty', 'seed', 'choices', 'logprobs'],
  errorMark: Buffer.from('"base_resp"'),
}

/** MiniMax, by its international address; the mainland one, with keys of its own, is a `baseURL`. */
export const minimax: Provider = {
  id: 'minimax',
  baseURL: 'https://api.minimax.io/v1',
  keyVariable: 'MINIMAX_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/anthropic' },
  countsTokens: false,
  dialect: byFamily(
    // Else thoughts stand among the words, in tags.
    [[/^minimax-m\d/i, { ...COMMON, addedFields: { reasoning_split: true }, echoesReasoning: 'details' }]],
    COMMON,
  ),
  sign: bearer,
  models: ['MiniMax-*', 'minimax-*'],
  familiarModel: 'MiniMax-M2.7',
}

import type { Dialect } from '../../protocols/dialect.js'
import { byFamily, OLD_SERVER } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...OLD_SERVER,
  reasoning: 'none',
  temperatures: [0.01, 1],
  toolChoices: ['auto', 'none'],
  maxStopSequences: 0,
  unsupported: ['frequencyPenalty', 'presencePenalty', 'seed', 'choices', 'logprobs'],
  errorMark: Buffer.from('"base_resp"'),
}

/** MiniMax, by its international API. The Chinese API, with keys of its own, needs a `baseURL`. */
export const minimax: Provider = {
  id: 'minimax',
  baseURL: 'https://api.minimax.io/v1',
  keyVariable: 'MINIMAX_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/anthropic' },
  countsTokens: false,
  dialect: byFamily(
    // By default the reasoning is part of the text, in tags.
    [[/^minimax-m\d/i, { ...COMMON, addedFields: { reasoning_split: true }, echoesReasoning: 'details' }]],
    COMMON,
  ),
  sign: bearer,
  models: ['MiniMax-*', 'minimax-*'],
  familiarModel: 'MiniMax-M2.7',
}

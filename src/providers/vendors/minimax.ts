import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...BASIC_SERVER,
  reasoning: 'none',
  temperatureRange: [0.01, 1],
  toolChoices: ['auto', 'none'],
  maxStopSequences: 0,
  unsupportedSettings: ['frequencyPenalty', 'presencePenalty', 'seed', 'choices', 'logprobs'],
  errorMarker: Buffer.from('"base_resp"'),
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
    [[/^minimax-m\d/i, { ...COMMON, extraFields: { reasoning_split: true }, expectsPastReasoning: 'details' }]],
    COMMON,
  ),
  sign: bearer,
  models: ['MiniMax-*', 'minimax-*'],
  familiarModel: 'MiniMax-M2.7',
}

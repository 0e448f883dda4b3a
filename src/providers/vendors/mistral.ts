import type { Dialect } from '../../protocols/dialect.js'
import { byFamily, FOREIGN_MESSAGE_FIELDS, LEGACY_MAX_TOKENS } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Mistral refuses unknown fields. */
const COMMON: Dialect = {
  basicFieldsOnly: true,
  renamedFields: { ...LEGACY_MAX_TOKENS, seed: 'random_seed' },
  refusedMessageFields: [...FOREIGN_MESSAGE_FIELDS, 'reasoning', 'refusal', 'annotations', 'audio', 'function_call'],
  unsupportedSettings: ['logprobs', 'verbosity', 'serviceTier', 'modalities'],
  acceptsUsageRequest: false,
  temperatureRange: [0, 1.5],
  toolCallId: { pattern: /^[A-Za-z0-9]+$/, maxLength: 9, exact: true },
  replyAfterToolResults: 'OK.',
  reasoning: 'none',
}

/** Mistral. */
export const mistral: Provider = {
  id: 'mistral',
  baseURL: 'https://api.mistral.ai/v1',
  keyVariable: 'MISTRAL_API_KEY',
  speaks: ['openai-chat'],
  dialect: byFamily(
    [
      [
        /^mistral-(?:small-(?:latest|26)|medium-(?:latest|3[-.][5-9]))/,
        { ...COMMON, reasoning: 'effort', reasoningEfforts: ['none', 'high'] },
      ],
    ],
    COMMON,
  ),
  sign: bearer,
  models: [
    ...['mistral-*', 'ministral-*', 'magistral-*', 'codestral-*', 'devstral-*', 'pixtral-*', 'voxtral-*'],
    ...['open-mistral-*', 'open-mixtral-*'],
  ],
  familiarModel: 'mistral-small-latest',
}

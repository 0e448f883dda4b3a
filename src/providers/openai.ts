import type { Dialect } from '../protocols/protocol.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** OpenAI's own API. */
export const openai: Provider = {
  id: 'openai',
  baseURL: 'https://api.openai.com/v1',
  keyVariable: 'OPENAI_API_KEY',
  speaks: ['openai-chat', 'openai-responses'],
  dialect,
  sign: bearer,
  models: ['gpt-*', 'chatgpt-*', 'o1*', 'o3*', 'o4*', 'ft:gpt-*'],
  familiarModel: 'gpt-5-mini',
}

/** Models that think take one temperature only, and the others no effort. The first that fits counts. */
const DIALECTS: readonly (readonly [model: RegExp, dialect: Dialect])[] = [
  [/^gpt-5(?:\.\d+)?-chat/, { reasoning: 'none' }],
  [/^(?:o\d|gpt-5)/, { sampling: 'none' }],
  [/^(?:gpt|chatgpt)-/, { reasoning: 'none' }],
]

function dialect(model: string): Dialect {
  return DIALECTS.find(([fits]) => fits.test(model))?.[1] ?? {}
}

import type { Dialect } from '../protocols/dialect.js'
import type { Provider } from './provider.js'

const LEVELS = ['minimal', 'low', 'medium', 'high']

/** What each family of models takes; the first row that fits. Names of no row are of models yet to come. */
const FAMILIES: readonly (readonly [name: RegExp, dialect: Dialect])[] = [
  [/^gemini-3.*-image/, { reasoning: 'none', schemas: 'full', needsSignatures: true }],
  [/^gemini-[3-9]/, { reasoning: 'effort', efforts: LEVELS, schemas: 'full', needsSignatures: true }],
  [/^gemini-2\.5-.*(?:image|tts)/, { reasoning: 'none', schemas: 'full' }],
  [/^gemini-2\.5-pro/, { reasoning: 'budget', efforts: LEVELS, schemas: 'full' }],
  [/^gemini-2\.5/, { reasoning: 'budget', efforts: ['none', ...LEVELS], schemas: 'full' }],
  [/^gemini-2/, { reasoning: 'none', schemas: 'full' }],
  [/^(?:gemini-1|gemini-pro|learnlm|gemma)/, { reasoning: 'none', schemas: 'subset' }],
]

const UNKNOWN: Dialect = { schemas: 'full' }

/** Google's Gemini API, also known as AI Studio. */
export const gemini: Provider = {
  id: 'gemini',
  catalogId: 'google',
  baseURL: 'https://generativelanguage.googleapis.com',
  keyVariable: 'GEMINI_API_KEY',
  speaks: ['gemini'],
  dialect: (model) => FAMILIES.find(([name]) => name.test(model.replace(/^models\//, '')))?.[1] ?? UNKNOWN,
  sign: (apiKey) => ['x-goog-api-key', apiKey],
  models: ['gemini-*', 'gemma-*', 'learnlm-*'],
  familiarModel: 'gemini-2.5-flash',
}

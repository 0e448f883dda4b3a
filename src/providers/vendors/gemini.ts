import { geminiDialect } from '../families.js'
import type { Provider } from '../provider.js'

/** Google's Gemini API, also known as AI Studio. */
export const gemini: Provider = {
  id: 'gemini',
  catalogId: 'google',
  baseURL: 'https://generativelanguage.googleapis.com',
  keyVariable: 'GEMINI_API_KEY',
  speaks: ['gemini'],
  dialect: geminiDialect,
  sign: (apiKey) => ['x-goog-api-key', apiKey],
  models: ['gemini-*', 'imagen-*', 'gemma-*', 'learnlm-*'],
  familiarModel: 'gemini-2.5-flash',
}

import { geminiDialect } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/**
 * Gemini on Vertex AI: the base URL is `https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/google`.
 * Its tokens live for an hour: they come from `sign`.
 */
export const vertex: Provider = {
  id: 'vertex',
  catalogId: 'google',
  speaks: ['gemini'],
  unversioned: ['gemini'],
  dialect: geminiDialect,
  sign: bearer,
  models: [],
}

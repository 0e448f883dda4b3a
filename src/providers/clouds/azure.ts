import { pathSegments } from '../../protocols/path-segments.js'
import { gptDialect } from '../families.js'
import type { Provider } from '../provider.js'
import type { RequestFormat } from '../request-format.js'

/**
 * Azure OpenAI, by its v1 API: the base URL is `https://RESOURCE.openai.azure.com/openai/v1`, and deployments are the
 * models. A deployment named after its model gets that model's dialect. With `apiVersion` in the config, requests go to
 * the older deployment paths.
 */
export const azure: Provider = {
  id: 'azure',
  keyVariable: 'AZURE_OPENAI_API_KEY',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: gptDialect,
  hasApiVersions: true,
  profileFor: (_model, apiVersion) =>
    apiVersion ? { countsTokens: false, requestFormat: deployments(apiVersion) } : undefined,
  sign: (apiKey) => ['api-key', apiKey],
  models: [],
}

/** Paths below a deployment. All others, such as Responses, are below the resource. */
const DEPLOYMENT_PATHS: ReadonlySet<string> = new Set([
  ...['/chat/completions', '/completions', '/embeddings', '/images/generations', '/images/edits'],
  ...['/audio/transcriptions', '/audio/translations', '/audio/speech'],
])

/** The base URL may be that of the resource, of its API, or of its v1 API. */
const API = /(?:\/openai)?(?:\/v1)?$/

function deployments(apiVersion: string): RequestFormat {
  const query = `?api-version=${encodeURIComponent(apiVersion)}`
  return {
    format({ path, headers, body }, { prefix, model }) {
      const deployment = DEPLOYMENT_PATHS.has(path) ? `/deployments/${pathSegments(model).join('%2F')}` : ''
      return { path: `${prefix.replace(API, '')}/openai${deployment}${path}${query}`, headers, body }
    },
  }
}

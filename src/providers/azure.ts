import { pathSegments } from '../protocols/segments.js'
import { gptDialect } from './families.js'
import type { Provider } from './provider.js'
import type { RequestFormat } from './request-format.js'

/**
 * Azure OpenAI, by its v1 path: the base URL is `https://RESOURCE.openai.azure.com/openai/v1`, and deployments stand for
 * models. One that is named after its model is known for what that takes. With an `apiVersion` in its config each
 * deployment has an address of its own, as of old.
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

/** What is asked of a deployment at its own address; all else, Responses among it, is asked of the resource. */
const AT_DEPLOYMENTS: ReadonlySet<string> = new Set([
  ...['/chat/completions', '/completions', '/embeddings', '/images/generations', '/images/edits'],
  ...['/audio/transcriptions', '/audio/translations', '/audio/speech'],
])

/** The base URL may be that of the resource, that of its API, or that of its v1 API. */
const API = /(?:\/openai)?(?:\/v1)?$/

function deployments(apiVersion: string): RequestFormat {
  const query = `?api-version=${encodeURIComponent(apiVersion)}`
  return {
    format({ path, headers, body }, { prefix, model }) {
      const deployment = AT_DEPLOYMENTS.has(path) ? `/deployments/${pathSegments(model).join('%2F')}` : ''
      return { path: `${prefix.replace(API, '')}/openai${deployment}${path}${query}`, headers, body }
    },
  }
}

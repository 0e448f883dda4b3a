import { pathSegments } from '../protocols/segments.js'
import { betasIn, claudeBody, withoutOwn } from './claude.js'
import { geminiDialect, soldClaudeDialect } from './families.js'
import type { DeclaredProfile, Provider } from './provider.js'
import type { RequestFormat } from './request-format.js'
import { bearer } from './sign.js'

/** Its publisher is Anthropic, and so is its language. */
const CLAUDE: Partial<DeclaredProfile> = {
  speaks: ['anthropic-messages'],
  dialect: soldClaudeDialect(['image']),
  requestFormat: rawPredict(),
}

/**
 * Gemini and Claude on Vertex AI: the base URL is `https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/google`.
 * Its tokens live for an hour: they come from `sign`.
 */
export const vertex: Provider = {
  id: 'vertex',
  catalogId: 'google',
  speaks: ['gemini'],
  unversionedProtocols: ['gemini'],
  dialect: geminiDialect,
  profileFor: (model) => (model.startsWith('claude-') ? CLAUDE : undefined),
  sign: bearer,
  models: [],
}

/** Counts have a model of their own, and say in the body whose tokens are meant. */
const COUNT = /\/count_tokens$/

function rawPredict(): RequestFormat {
  return {
    format({ path, headers, body }, { prefix, model, stream }) {
      const isCount = COUNT.test(path)
      const asked = isCount
        ? 'count-tokens:rawPredict'
        : `${nameOf(model)}:${stream ? 'streamRawPredict' : 'rawPredict'}`
      // In the body they do nothing, and a count is refused for some that a conversation may have.
      const betas = isCount ? [] : betasIn(headers)
      return {
        path: `${prefix.replace(/\/publishers\/[^/]*$/, '')}/publishers/anthropic/models/${asked}`,
        headers: [...withoutOwn(headers), ...(betas.length > 0 ? ['anthropic-beta', betas.join(',')] : [])],
        body: claudeBody(body, { without: isCount ? [] : ['model'], version: 'vertex-2023-10-16' }),
      }
    },
  }
}

/** Versions stand behind an `@`, which Google's own examples do not encode. */
function nameOf(model: string): string {
  return pathSegments(model).join('%2F').replaceAll('%40', '@')
}

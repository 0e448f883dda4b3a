import { pathSegments } from '../../protocols/path-segments.js'
import { geminiDialect, resoldClaudeDialect } from '../families.js'
import type { DeclaredProfile, Provider } from '../provider.js'
import { bearer } from '../provider.js'
import type { RequestFormat } from '../request-format.js'
import { claudeBody, readBetas, withoutAnthropicHeaders } from './claude.js'

/** Claude has the publisher `anthropic`, and speaks Anthropic's protocol. */
const CLAUDE: Partial<DeclaredProfile> = {
  speaks: ['anthropic-messages'],
  dialect: resoldClaudeDialect(['image']),
  requestFormat: rawPredict(),
}

/**
 * Gemini and Claude on Vertex AI: the base URL is `https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION/publishers/google`.
 * Access tokens expire after an hour, so they come from the hook `sign`.
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

/** Token counts have a path of their own; the body names the model. */
const COUNT = /\/count_tokens$/

function rawPredict(): RequestFormat {
  return {
    format({ path, headers, body }, { prefix, model, stream }) {
      const isCount = COUNT.test(path)
      const asked = isCount
        ? 'count-tokens:rawPredict'
        : `${nameOf(model)}:${stream ? 'streamRawPredict' : 'rawPredict'}`
      // Vertex ignores betas in the body, and refuses counts with some that conversations may have.
      const betas = isCount ? [] : readBetas(headers)
      return {
        path: `${prefix.replace(/\/publishers\/[^/]*$/, '')}/publishers/anthropic/models/${asked}`,
        headers: [
          ...withoutAnthropicHeaders(headers),
          ...(betas.length > 0 ? ['anthropic-beta', betas.join(',')] : []),
        ],
        body: claudeBody(body, { without: isCount ? [] : ['model'], version: 'vertex-2023-10-16' }),
      }
    },
  }
}

/** A version follows `@`, which Google's own examples do not encode. */
function nameOf(model: string): string {
  return pathSegments(model).join('%2F').replaceAll('%40', '@')
}

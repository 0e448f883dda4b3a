import { pathSegments } from '../../protocols/path-segments.js'
import { BASIC_SERVER, resoldClaudeDialect } from '../families.js'
import type { DeclaredProfile, Provider } from '../provider.js'
import { bearer } from '../provider.js'
import type { RequestFormat } from '../request-format.js'
import { claudeBody, readBetas, withoutAnthropicHeaders } from './claude.js'
import { eventStream } from './event-stream.js'

/** Bedrock offers Claude by InvokeModel only, in Anthropic's protocol. It does not count tokens for every model. */
const CLAUDE: Partial<DeclaredProfile> = {
  speaks: ['anthropic-messages'],
  countsTokens: false,
  dialect: resoldClaudeDialect([]),
  requestFormat: invokeModel(),
}

/** `us.anthropic.claude-…` and the like, also at the end of an ARN; and ARNs of inference profiles, which do not name the model. */
const IS_CLAUDE = /\banthropic\.|^arn:.*:(?:application-inference-profile|provisioned-model)\//

/**
 * Amazon Bedrock, by its OpenAI-compatible API: `https://bedrock-runtime.REGION.amazonaws.com/openai/v1`. It accepts
 * Bedrock's API keys; for SigV4 use the hook `sign`.
 */
export const bedrock: Provider = {
  id: 'bedrock',
  catalogId: 'aws',
  keyVariable: 'AWS_BEARER_TOKEN_BEDROCK',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: () => BASIC_SERVER,
  profileFor: (model) => (IS_CLAUDE.test(model) ? CLAUDE : undefined),
  sign: bearer,
  models: [],
}

/** The base URL may be that of the region, or that of the OpenAI-compatible API. */
const OPENAI = /(?:\/openai)?(?:\/v1)?$/

function invokeModel(): RequestFormat {
  return {
    streamFormat: eventStream,
    format({ headers, body }, { prefix, model, stream }) {
      const way = stream ? 'invoke-with-response-stream' : 'invoke'
      return {
        path: `${prefix.replace(OPENAI, '')}/model/${pathSegments(model).join('%2F')}/${way}`,
        headers: withoutAnthropicHeaders(headers),
        body: claudeBody(body, {
          without: ['model', 'stream'],
          version: 'bedrock-2023-05-31',
          betas: readBetas(headers),
        }),
      }
    },
  }
}

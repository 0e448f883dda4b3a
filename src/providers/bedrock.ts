import { pathSegments } from '../protocols/segments.js'
import { betasIn, claudeBody, withoutOwn } from './claude.js'
import { eventStream } from './event-stream.js'
import { PLAIN, soldClaudeDialect } from './families.js'
import type { DeclaredProfile, Provider } from './provider.js'
import type { RequestFormat } from './request-format.js'
import { bearer } from './sign.js'

/** Claude is there by InvokeModel only, in Anthropic's language; not every model can be counted for. */
const CLAUDE: Partial<DeclaredProfile> = {
  speaks: ['anthropic-messages'],
  countsTokens: false,
  dialect: soldClaudeDialect([]),
  requestFormat: invokeModel(),
}

/** `us.anthropic.claude-…` and the like, also at the end of an ARN; and ARNs of a user's own, which do not tell the model. */
const IS_CLAUDE = /\banthropic\.|^arn:.*:(?:application-inference-profile|provisioned-model)\//

/**
 * Amazon Bedrock, by the address at which it speaks OpenAI's languages:
 * `https://bedrock-runtime.REGION.amazonaws.com/openai/v1`. It takes Bedrock's own API keys; `sign` may sign by SigV4.
 */
export const bedrock: Provider = {
  id: 'bedrock',
  catalogId: 'aws',
  keyVariable: 'AWS_BEARER_TOKEN_BEDROCK',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: () => PLAIN,
  profileFor: (model) => (IS_CLAUDE.test(model) ? CLAUDE : undefined),
  sign: bearer,
  models: [],
}

/** The base URL may be that of the region, or that at which it speaks OpenAI's languages. */
const OPENAI = /(?:\/openai)?(?:\/v1)?$/

function invokeModel(): RequestFormat {
  return {
    streamFormat: eventStream,
    format({ headers, body }, { prefix, model, stream }) {
      const way = stream ? 'invoke-with-response-stream' : 'invoke'
      return {
        path: `${prefix.replace(OPENAI, '')}/model/${pathSegments(model).join('%2F')}/${way}`,
        headers: withoutOwn(headers),
        body: claudeBody(body, {
          without: ['model', 'stream'],
          version: 'bedrock-2023-05-31',
          betas: betasIn(headers),
        }),
      }
    },
  }
}

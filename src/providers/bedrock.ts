import { PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

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
  sign: bearer,
  models: [],
}

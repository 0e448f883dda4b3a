import { gptDialect } from './families.js'
import type { Provider } from './provider.js'

/**
 * Azure OpenAI, by its v1 path: the base URL is `https://RESOURCE.openai.azure.com/openai/v1`, and deployments stand for
 * models. One that is named after its model is known for what that takes.
 */
export const azure: Provider = {
  id: 'azure',
  keyVariable: 'AZURE_OPENAI_API_KEY',
  speaks: ['openai-chat', 'openai-responses'],
  dialect: gptDialect,
  sign: (apiKey) => ['api-key', apiKey],
  models: [],
}

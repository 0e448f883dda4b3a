import { aiSdkClients } from './clients/ai.js'
import { anthropicSdkClients } from './clients/anthropic.js'
import { genaiSdkClients } from './clients/genai.js'
import { openaiChatSdkClients } from './clients/openai-chat.js'
import { openaiResponsesSdkClients } from './clients/openai-responses.js'
import type { SdkClient } from './clients/sdk-client.js'

/** Every official SDK, in every way it is used. */
export const sdkClients: readonly SdkClient[] = [
  ...openaiChatSdkClients,
  ...openaiResponsesSdkClients,
  ...anthropicSdkClients,
  ...genaiSdkClients,
  ...aiSdkClients,
]

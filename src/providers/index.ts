import { azure } from './clouds/azure.js'
import { bedrock } from './clouds/bedrock.js'
import { vertex } from './clouds/vertex.js'
import { cerebras } from './hosts/cerebras.js'
import { fireworks } from './hosts/fireworks.js'
import { groq } from './hosts/groq.js'
import { openrouter } from './hosts/openrouter.js'
import { together } from './hosts/together.js'
import { llamaCpp } from './local/llama-cpp.js'
import { lmStudio } from './local/lm-studio.js'
import { ollama } from './local/ollama.js'
import { openaiCompatible } from './local/openai-compatible.js'
import { vllm } from './local/vllm.js'
import type { Provider } from './provider.js'
import { anthropic } from './vendors/anthropic.js'
import { cohere } from './vendors/cohere.js'
import { deepseek } from './vendors/deepseek.js'
import { gemini } from './vendors/gemini.js'
import { minimax } from './vendors/minimax.js'
import { mistral } from './vendors/mistral.js'
import { moonshot } from './vendors/moonshot.js'
import { openai } from './vendors/openai.js'
import { perplexity } from './vendors/perplexity.js'
import { qwen } from './vendors/qwen.js'
import { xai } from './vendors/xai.js'
import { zai } from './vendors/zai.js'

const all: readonly Provider[] = [
  ...[openai, anthropic, gemini],
  ...[azure, vertex, bedrock, xai, deepseek, qwen, moonshot, zai, minimax, mistral, cohere, perplexity],
  ...[groq, cerebras, together, fireworks, openrouter],
  ...[ollama, vllm, llamaCpp, lmStudio, openaiCompatible],
]

/** Every provider, by its id in the config. */
export const providers: ReadonlyMap<string, Provider> = new Map(all.map((provider) => [provider.id, provider]))

/** Providers that need nothing but a key in the environment. */
export const providersWithKeys: readonly (Provider & { readonly keyVariable: string })[] = all.flatMap((provider) => {
  const { keyVariable, baseURL } = provider
  return keyVariable !== undefined && baseURL !== undefined ? [{ ...provider, keyVariable }] : []
})

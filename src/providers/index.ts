import { anthropic } from './anthropic.js'
import { azure } from './azure.js'
import { bedrock } from './bedrock.js'
import { cerebras } from './cerebras.js'
import { cohere } from './cohere.js'
import { deepseek } from './deepseek.js'
import { fireworks } from './fireworks.js'
import { gemini } from './gemini.js'
import { groq } from './groq.js'
import { llamaCpp } from './llama-cpp.js'
import { lmStudio } from './lm-studio.js'
import { minimax } from './minimax.js'
import { mistral } from './mistral.js'
import { moonshot } from './moonshot.js'
import { ollama } from './ollama.js'
import { openai } from './openai.js'
import { openaiCompatible } from './openai-compatible.js'
import { openrouter } from './openrouter.js'
import { perplexity } from './perplexity.js'
import type { Provider } from './provider.js'
import { qwen } from './qwen.js'
import { together } from './together.js'
import { vertex } from './vertex.js'
import { vllm } from './vllm.js'
import { xai } from './xai.js'
import { zai } from './zai.js'

const all: readonly Provider[] = [
  ...[openai, anthropic, gemini],
  ...[azure, vertex, bedrock, xai, deepseek, qwen, moonshot, zai, minimax, mistral, cohere, perplexity],
  ...[groq, cerebras, together, fireworks, openrouter],
  ...[ollama, vllm, llamaCpp, lmStudio, openaiCompatible],
]

/** Every provider that a config may name, by its id. */
export const providers: ReadonlyMap<string, Provider> = new Map(all.map((provider) => [provider.id, provider]))

/** Those that a key in the environment is enough for. */
export const keyed: readonly (Provider & { readonly keyVariable: string })[] = all.flatMap((provider) => {
  const { keyVariable, baseURL } = provider
  return keyVariable !== undefined && baseURL !== undefined ? [{ ...provider, keyVariable }] : []
})

import { anthropic } from './anthropic.js'
import { gemini } from './gemini.js'
import { openai } from './openai.js'
import { openaiCompatible } from './openai-compatible.js'
import type { Provider } from './provider.js'

/** Every provider that a config may name, by its id. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  [openai, anthropic, gemini, openaiCompatible].map((provider) => [provider.id, provider]),
)

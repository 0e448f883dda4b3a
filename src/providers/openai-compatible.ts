import type { Provider } from './provider.js'
import { bearer } from './sign.js'

/** Any server that speaks OpenAI's language: vLLM, llama.cpp, LM Studio, Ollama, another relay. */
export const openaiCompatible: Provider = {
  id: 'openai-compatible',
  speaks: ['openai-chat'],
  // Strict servers refuse what is new; all know what is old.
  dialect: () => ({ isOldServer: true }),
  sign: bearer,
  models: [],
}

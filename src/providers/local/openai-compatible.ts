import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

/** Any server of OpenAI's protocol: vLLM, llama.cpp, LM Studio, Ollama, another relay. */
export const openaiCompatible: Provider = {
  id: 'openai-compatible',
  speaks: ['openai-chat'],
  // Strict servers refuse new fields; all know the original ones.
  dialect: () => ({ basicFieldsOnly: true }),
  sign: bearer,
  models: [],
}

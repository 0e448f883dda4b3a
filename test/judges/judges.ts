import { aiJudges } from './sdks/ai.js'
import { anthropicJudges } from './sdks/anthropic.js'
import { genaiJudges } from './sdks/genai.js'
import type { Judge } from './sdks/judge.js'
import { openaiChatJudges } from './sdks/openai-chat.js'
import { openaiResponsesJudges } from './sdks/openai-responses.js'

/** Every official SDK, in every way it is used. */
export const judges: readonly Judge[] = [
  ...openaiChatJudges,
  ...openaiResponsesJudges,
  ...anthropicJudges,
  ...genaiJudges,
  ...aiJudges,
]

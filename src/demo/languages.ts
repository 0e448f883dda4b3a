import { anthropicMessages } from './anthropic-messages.js'
import { gemini } from './gemini.js'
import type { DemoLanguage } from './language.js'
import { openaiChat } from './openai-chat.js'
import { openaiResponses } from './openai-responses.js'

/** Every language that the demo speaks. */
export const languages: readonly DemoLanguage[] = [openaiChat, openaiResponses, anthropicMessages, gemini]

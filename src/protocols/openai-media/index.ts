import { openaiChat } from '../openai-chat/index.js'
import type { Protocol } from '../protocol.js'
import { classifyRecord, readAnswerFacts, readEnding } from './passthrough.js'

/**
 * OpenAI's images, audio and moderations, and other vendors' endpoints beside them, such as reranking. Their answers
 * pass through: the relay reads only usage and errors.
 */
export const openaiMedia: Protocol = {
  ...openaiChat,
  readAnswerFacts,
  classifyRecord,
  readEnding,
  readOutputLength: () => 0,
}

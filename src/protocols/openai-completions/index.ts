import { openaiChat } from '../openai-chat/index.js'
import type { Protocol } from '../protocol.js'
import { promptBatching } from './prompt-batching.js'
import { PROTOCOL_ID, readRequest } from './read-request.js'
import { readFacts } from './request-facts.js'
import { writeAnswer } from './write-answer.js'
import { writeRequest } from './write-request.js'
import { CompletionWriter } from './write-stream.js'

/** OpenAI's legacy completions: a prompt and its continuation. Answers and errors are read like those of Chat Completions. */
export const openaiCompletions: Protocol = {
  ...openaiChat,
  id: PROTOCOL_ID,
  pathFor: () => '/completions',
  readFacts,
  readRequest,
  writeRequest,
  writeAnswer,
  promptBatching: promptBatching,
  writeStream: (context) => new CompletionWriter(context),
}

import { openaiChat } from '../openai-chat/index.js'
import type { Protocol } from '../protocol.js'
import { batch } from './batch.js'
import { readFacts } from './facts.js'
import { LANGUAGE } from './language.js'
import { readRequest } from './read-request.js'
import { writeAnswer } from './write-answer.js'
import { writeRequest } from './write-request.js'
import { CompletionWriter } from './write-stream.js'

/** OpenAI's completions of old: a prompt, and how it goes on. Answers and errors are read as those of Chat Completions. */
export const openaiCompletions: Protocol = {
  ...openaiChat,
  id: LANGUAGE,
  pathFor: () => '/completions',
  readFacts,
  readRequest,
  writeRequest,
  writeAnswer,
  promptBatching: batch,
  writeStream: (answering) => new CompletionWriter(answering),
}

import type { Protocol } from '../protocol.js'
import { readAnswer } from './answer.js'
import { readFault, writeError, writeStreamError } from './errors.js'
import { writeModel, writeModels } from './models.js'
import { readFacts } from './request.js'
import { readEnding, readSign } from './stream.js'

/** OpenAI's Chat Completions. */
export const openaiChat: Protocol = {
  id: 'openai-chat',
  path: '/chat/completions',
  passedHeaders: ['openai-beta'],
  readFacts,
  readAnswer,
  readSign,
  readEnding,
  readFault,
  writeModels,
  writeModel,
  writeError,
  writeStreamError,
}

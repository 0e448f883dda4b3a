import { readError, statusOf, writeError } from '../openai-chat/errors.js'
import { listing, writeModel, writeModels } from '../openai-chat/models.js'
import type { Protocol } from '../protocol.js'
import { readAnswer, readAnswerFacts } from './answer/read-answer.js'
import { writeStreamError } from './errors.js'
import { classifyRecord, readEnding, readFacts, readOutputLength } from './passthrough.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { responseStorage } from './response-storage.js'
import { readStream } from './stream/read-stream.js'
import { writeAnswer, writeStream } from './stream/write-stream.js'
import { tokenCounting } from './token-counting.js'
import { PROTOCOL_ID, settingNames, traits } from './traits.js'

/** OpenAI's Responses. */
export const openaiResponses: Protocol = {
  id: PROTOCOL_ID,
  traits,
  settingNames,
  forwardedHeaders: ['openai-beta'],
  headers: [],
  pathFor: () => '/responses',
  readFacts,
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream,
  writeStream,
  tokenCounting,
  listing,
  responseStorage,
  readAnswerFacts,
  classifyRecord,
  readEnding,
  readOutputLength,
  readError,
  statusOf,
  writeModels,
  writeModel,
  writeError,
  writeStreamError,
}

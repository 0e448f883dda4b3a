import { readError, statusOf, writeError } from '../openai-chat/errors.js'
import { listing, writeModel, writeModels } from '../openai-chat/models.js'
import type { Protocol } from '../protocol.js'
import { readAnswer, readAnswerFacts } from './answer/read-answer.js'
import { writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { readOutputLength } from './length.js'
import { ID } from './native.js'
import { readEnding, readSign } from './passthrough.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { recall } from './response-storage.js'
import { spelling } from './setting-names.js'
import { readStream } from './stream/read-stream.js'
import { writeAnswer, writeStream } from './stream/write-stream.js'
import { counting } from './token-counting.js'

/** OpenAI's Responses. */
export const openaiResponses: Protocol = {
  id: ID,
  traits: {
    toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    freeformTools: true,
    toolNamespaces: true,
    objectInput: false,
    stopSequences: 0,
  },
  settingNames: spelling,
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
  tokenCounting: counting,
  listing,
  responseStorage: recall,
  readAnswerFacts,
  classifyRecord: readSign,
  readEnding,
  readOutputLength,
  readError: readError,
  statusOf,
  writeModels,
  writeModel,
  writeError,
  writeStreamError,
}

import { readError, statusOf, writeError } from '../openai-chat/errors.js'
import { listing, writeModel, writeModels } from '../openai-chat/models.js'
import type { Protocol } from '../protocol.js'
import { readAnswer, readAnswerFacts } from './answer.js'
import { counting } from './counting.js'
import { writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { readOutputLength } from './length.js'
import { ID } from './native.js'
import { readRequest } from './read-request.js'
import { readStream } from './read-stream.js'
import { recall } from './recall.js'
import { readEnding, readSign } from './signs.js'
import { spelling } from './spelling.js'
import { writeRequest } from './write-request.js'
import { writeAnswer, writeStream } from './write-stream.js'

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

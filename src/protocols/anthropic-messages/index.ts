import type { Protocol } from '../protocol.js'
import { counting } from './counting.js'
import { readFault, statusOf, writeError, writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { readOutputLength } from './length.js'
import { listing } from './listing.js'
import { writeModel, writeModels } from './models.js'
import { ID } from './own.js'
import { readAnswerFacts, readEnding, readSign } from './pass-through.js'
import { readAnswer } from './read-answer.js'
import { readRequest } from './read-request.js'
import { readStream } from './read-stream.js'
import { spelling } from './spelling.js'
import { writeAnswer } from './write-answer.js'
import { writeRequest } from './write-request.js'
import { writeStream } from './write-stream.js'

/** Anthropic's Messages. */
export const anthropicMessages: Protocol = {
  id: ID,
  traits: {
    toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    freeformTools: false,
    toolNamespaces: false,
    objectInput: true,
  },
  settingNames: spelling,
  forwardedHeaders: ['anthropic-version', 'anthropic-beta'],
  headers: ['anthropic-version', '2023-06-01'],
  requestIdHeader: 'request-id',
  pathFor: () => '/v1/messages',
  readFacts,
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream,
  writeStream,
  tokenCounting: counting,
  listing,
  readAnswerFacts,
  classifyRecord: readSign,
  readEnding,
  readOutputLength,
  readError: readFault,
  statusOf,
  writeModels,
  writeModel,
  writeError,
  writeStreamError,
}

import type { Protocol } from '../protocol.js'
import { readAnswer } from './answer/read-answer.js'
import { writeAnswer } from './answer/write-answer.js'
import { readError, statusOf, writeError, writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { readOutputLength } from './length.js'
import { listing } from './listing.js'
import { writeModel, writeModels } from './models.js'
import { PROTOCOL_ID } from './native.js'
import { classifyRecord, readAnswerFacts, readEnding } from './passthrough.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { settingNames } from './setting-names.js'
import { readStream } from './stream/read-stream.js'
import { writeStream } from './stream/write-stream.js'
import { tokenCounting } from './token-counting.js'

/** Anthropic's Messages. */
export const anthropicMessages: Protocol = {
  id: PROTOCOL_ID,
  traits: {
    toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
    freeformTools: false,
    toolNamespaces: false,
    objectInput: true,
  },
  settingNames: settingNames,
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
  tokenCounting: tokenCounting,
  listing,
  readAnswerFacts,
  classifyRecord: classifyRecord,
  readEnding,
  readOutputLength,
  readError: readError,
  statusOf,
  writeModels,
  writeModel,
  writeError,
  writeStreamError,
}

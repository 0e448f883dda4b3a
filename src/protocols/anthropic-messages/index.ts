import type { Protocol } from '../protocol.js'
import { readAnswer } from './answer/read-answer.js'
import { writeAnswer } from './answer/write-answer.js'
import { readError, statusOf, writeError, writeStreamError } from './errors.js'
import { listing, writeModel, writeModels } from './models.js'
import { classifyRecord, readAnswerFacts, readEnding, readFacts, readOutputLength } from './passthrough.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { readStream } from './stream/read-stream.js'
import { writeStream } from './stream/write-stream.js'
import { tokenCounting } from './token-counting.js'
import { PROTOCOL_ID, settingNames, traits } from './traits.js'

/** Anthropic's Messages API, also as other vendors offer it. */
export const anthropicMessages: Protocol = {
  id: PROTOCOL_ID,
  traits,
  settingNames,
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
  tokenCounting,
  listing,
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

import type { Protocol } from '../protocol.js'
import { adaptRequest } from './adapt-request.js'
import { readAnswer } from './answer/read-answer.js'
import { writeAnswer } from './answer/write-answer.js'
import { embedding } from './embedding.js'
import { readError, statusOf, writeError, writeStreamError } from './errors.js'
import { listing, writeModel, writeModels } from './models.js'
import {
  classifyRecord,
  injectedUsage,
  readAnswerFacts,
  readEnding,
  readFacts,
  readOutputLength,
} from './passthrough.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { ChunkReader } from './stream/read-stream.js'
import { ChunkWriter } from './stream/write-stream.js'
import { PROTOCOL_ID, settingNames, traits } from './traits.js'

/** OpenAI's Chat Completions, also as other vendors and local servers speak it. */
export const openaiChat: Protocol = {
  id: PROTOCOL_ID,
  traits,
  settingNames,
  forwardedHeaders: ['openai-beta'],
  headers: [],
  pathFor: () => '/chat/completions',
  readFacts,
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream: (options) => new ChunkReader(options),
  writeStream: (context) => new ChunkWriter(context),
  injectedUsage,
  adaptRequest,
  embedding,
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

import type { Protocol } from '../protocol.js'
import { readAnswer, readAnswerFacts } from './answer/read-answer.js'
import { writeAnswer } from './answer/write-answer.js'
import { embedding } from './embedding.js'
import { readError, statusOf, writeError, writeStreamError } from './errors.js'
import { imageGenerationFor } from './images/image-generation.js'
import { listing, writeModel, writeModels } from './models.js'
import { classifyRecord, readEnding, readFacts, readOutputLength } from './passthrough.js'
import { pathFor } from './paths.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { framing } from './stream/array-framing.js'
import { readStream } from './stream/read-stream.js'
import { writeStream } from './stream/write-stream.js'
import { tokenCounting } from './token-counting.js'
import { PROTOCOL_ID, settingNames, traits } from './traits.js'

/** The protocol of Google's Gemini, `generateContent`. */
export const gemini: Protocol = {
  id: PROTOCOL_ID,
  traits,
  settingNames,
  forwardedHeaders: [],
  headers: [],
  pathFor,
  readFacts,
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream,
  writeStream,
  tokenCounting,
  embedding,
  imageGeneration: imageGenerationFor,
  listing,
  framing,
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

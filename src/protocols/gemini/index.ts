import type { Protocol } from '../protocol.js'
import { readAnswer, readAnswerFacts } from './answer/read-answer.js'
import { writeAnswer } from './answer/write-answer.js'
import { embedding } from './embedding.js'
import { readError, statusOf, writeError, writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { PROTOCOL_ID } from './id.js'
import { imageGenerationFor } from './images/image-generation.js'
import { readOutputLength } from './length.js'
import { listing } from './listing.js'
import { writeModel, writeModels } from './models.js'
import { classifyRecord, readEnding } from './passthrough.js'
import { pathFor } from './paths.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'
import { settingNames } from './setting-names.js'
import { framing } from './stream/array-framing.js'
import { readStream } from './stream/read-stream.js'
import { writeStream } from './stream/write-stream.js'
import { tokenCounting } from './token-counting.js'

/** Google's Gemini, `generateContent`. */
export const gemini: Protocol = {
  id: PROTOCOL_ID,
  traits: {
    toolName: { pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/, maxLength: 64 },
    toolId: { pattern: /^.+$/s, maxLength: 256 },
    freeformTools: false,
    toolNamespaces: false,
    objectInput: true,
    stopSequences: 5,
    mediaByUrl: [],
  },
  settingNames: settingNames,
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
  tokenCounting: tokenCounting,
  embedding,
  imageGeneration: imageGenerationFor,
  listing,
  framing,
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

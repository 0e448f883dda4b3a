import type { Protocol } from '../protocol.js'
import { framing } from './array-frames.js'
import { counting } from './counting.js'
import { embedding } from './embedding.js'
import { readFault, statusOf, writeError, writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { ID } from './id.js'
import { imaging } from './imaging.js'
import { readOutputLength } from './length.js'
import { listing } from './listing.js'
import { writeModel, writeModels } from './models.js'
import { readEnding, readSign } from './pass.js'
import { pathFor } from './path.js'
import { readAnswer, readAnswerFacts } from './read-answer.js'
import { readRequest } from './read-request.js'
import { readStream } from './read-stream.js'
import { spelling } from './settings-spelling.js'
import { writeAnswer } from './write-answer.js'
import { writeRequest } from './write-request.js'
import { writeStream } from './write-stream.js'

/** Google's Gemini, `generateContent`. */
export const gemini: Protocol = {
  id: ID,
  traits: {
    toolName: { pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/, maxLength: 64 },
    toolId: { pattern: /^.+$/s, maxLength: 256 },
    freeformTools: false,
    toolNamespaces: false,
    objectInput: true,
    stopSequences: 5,
    mediaByUrl: [],
  },
  settingNames: spelling,
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
  tokenCounting: counting,
  embedding,
  imageGeneration: imaging,
  listing,
  framing,
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

import type { Protocol } from '../protocol.js'
import { readAnswerFacts } from './answer.js'
import { embedding } from './embedding.js'
import { readFault, statusOf, writeError, writeStreamError } from './errors.js'
import { readFacts } from './facts.js'
import { LANGUAGE } from './language.js'
import { readOutputLength } from './length.js'
import { listing } from './listing.js'
import { metering } from './metering.js'
import { writeModel, writeModels } from './models.js'
import { readAnswer } from './read-answer.js'
import { readRequest } from './read-request.js'
import { ChunkReader } from './read-stream.js'
import { spelling } from './spelling.js'
import { readEnding, readSign } from './stream.js'
import { suit } from './suit.js'
import { traits } from './traits.js'
import { writeAnswer } from './write-answer.js'
import { writeRequest } from './write-request.js'
import { ChunkWriter } from './write-stream.js'

/** OpenAI's Chat Completions. */
export const openaiChat: Protocol = {
  id: LANGUAGE,
  traits,
  settingNames: spelling,
  forwardedHeaders: ['openai-beta'],
  headers: [],
  pathFor: () => '/chat/completions',
  readFacts,
  readRequest,
  writeRequest,
  readAnswer,
  writeAnswer,
  readStream: (reading) => new ChunkReader(reading),
  writeStream: (answering) => new ChunkWriter(answering),
  injectedUsage: metering,
  adaptRequest: suit,
  embedding,
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

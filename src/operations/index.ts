import type { EndpointOperation } from '../endpoints.js'
import { chat } from './chat.js'
import { countTokens } from './count-tokens.js'
import { embeddings } from './embeddings.js'
import { images } from './images.js'
import { media } from './media.js'
import { listModels, showModel } from './models.js'
import type { OperationHandler } from './request-context.js'
import { storedResponse } from './stored-response.js'

/** The handler of each operation in the table of endpoints. */
export const operations: Readonly<Record<EndpointOperation, OperationHandler>> = {
  chat,
  count: countTokens,
  embed: embeddings,
  image: images,
  transcription: media,
  speech: media,
  moderation: media,
  rerank: media,
  models: listModels,
  model: showModel,
  response: storedResponse,
}

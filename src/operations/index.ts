import type { Served } from '../endpoints.js'
import { chat } from './chat.js'
import { count } from './count-tokens.js'
import { embed } from './embeddings.js'
import { image } from './images.js'
import { media } from './media.js'
import { listModels, showModel } from './models.js'
import type { OperationHandler } from './request-context.js'
import { response } from './stored-response.js'

/** What each operation of the table of endpoints does. */
export const operations: Readonly<Record<Served, OperationHandler>> = {
  chat,
  count,
  embed,
  image,
  transcription: media,
  speech: media,
  moderation: media,
  rerank: media,
  models: listModels,
  model: showModel,
  response,
}

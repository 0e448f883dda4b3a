import type { Served } from '../endpoints.js'
import { chat } from './chat.js'
import { count } from './count.js'
import { embed } from './embed.js'
import { image } from './image.js'
import { media } from './media.js'
import { listModels, showModel } from './models.js'
import type { Perform } from './operation.js'
import { response } from './response.js'

/** What each operation of the table of endpoints does. */
export const operations: Readonly<Record<Served, Perform>> = {
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

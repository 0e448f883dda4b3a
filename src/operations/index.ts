import type { Operation } from '../endpoints.js'
import { chat } from './chat.js'
import { listModels, showModel } from './models.js'
import type { Perform } from './operation.js'

/** What each operation of the table of endpoints does. */
export const operations: Readonly<Record<Operation, Perform>> = { chat, models: listModels, model: showModel }

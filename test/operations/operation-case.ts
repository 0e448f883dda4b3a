import type { Script } from '../scripted-upstream.js'
import type { Clients } from './clients.js'

/** One operation as a client calls it. `m` is the relay's name for `real-model`. */
export interface OperationCase {
  readonly name: string
  readonly script: Script
  readonly ask: (clients: Clients) => Promise<unknown>
  readonly result: unknown
  /** The URL that the upstream receives. Left out if the upstream receives no request. */
  readonly url?: string
  /** Fields that the upstream receives, among others. */
  readonly sentFields?: object
}

import type { Script } from '../upstream.js'
import type { Clients } from './clients.js'

/** One operation as a client asks for it: `m` is the relay's name for `real-model`. */
export interface OperationCase {
  readonly name: string
  readonly script: Script
  readonly ask: (clients: Clients) => Promise<unknown>
  readonly result: unknown
  /** Where the upstream was asked. Left out where it is not. */
  readonly url?: string
  /** What it was asked, at least. */
  readonly sentFields?: object
}

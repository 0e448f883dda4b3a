import type { Loss } from '../chat/losses.js'
import type { ByteStream } from '../http.js'
import type { Alarms } from '../lib/time.js'
import type { Translating } from './translation.js'
import type { Connections } from './transport.js'

/** An upstream's answer that has passed the commit point: from here on nothing is tried again. */
export interface Reply {
  readonly status: number
  /** `provider/model` that gave it; empty for the relay itself. */
  readonly target: string
  /** Empty for the usual one. */
  readonly contentType: string
  readonly body: Buffer | ByteStream
  /** What a translation had to leave out. */
  readonly losses: readonly Loss[]
}

/** What an exchange works with. */
export interface Tools extends Translating {
  readonly connections: Connections
  readonly alarms: Alarms
  /** Go on reading from the upstream when the client has left, so that usage is known. */
  readonly drain: boolean
}

import type { Loss } from '../../chat/losses.js'
import type { ByteStream } from '../../http.js'
import type { DeadlineTimer } from '../../lib/time.js'
import type { ConnectionPools } from '../connection/connection-pools.js'
import type { TranslationOptions } from '../transcode/translation.js'

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
export interface Tools extends TranslationOptions {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  /** Go on reading from the upstream when the client has left, so that usage is known. */
  readonly drain: boolean
}

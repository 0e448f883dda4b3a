import type { Loss } from '../../chat/losses.js'
import type { ByteStream } from '../../http.js'

/** An answer past the commit point. Its body may still fail, but no other channel will be tried. */
export interface Reply {
  readonly status: number
  /** `provider/model` that answers; empty where the relay itself does. */
  readonly target: string
  /** Empty for the protocol's own content type. */
  readonly contentType: string
  readonly body: Buffer | ByteStream
  /** What translation had to leave out of the request. */
  readonly losses: readonly Loss[]
}

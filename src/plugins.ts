import type { Caller } from './caller.js'
import type { UsageRecord } from './stores/usage.js'

/** The two seams for your own code. Both may be left out. */
export interface Plugin {
  /** Before a call is sent. Throw a `RelayError` to refuse it. */
  admitted?(call: AdmittedCall): void | Promise<void>
  /** After a call, however it ended: once, with the truth. What it throws is logged. */
  done?(record: UsageRecord): void
}

/** A call as it stands once it is admitted and routed, before anything is sent. */
export interface AdmittedCall {
  readonly requestId: string
  readonly caller: Caller
  readonly operation: string
  /** The public name that was asked for. */
  readonly model: string
  readonly stream: boolean
}

/** Where the relay writes; pino's shape, and the console's. */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

import type { Caller } from './caller.js'
import type { UsageRecord } from './stores/usage.js'

/** Your own code around each call. Both functions are optional. */
export interface Plugin {
  /**
   * Runs when a call has passed keys, limits and budgets, before the relay sends anything. The call waits for it.
   * Throw a `RelayError` to refuse the call.
   */
  admitted?(call: AdmittedCall): void | Promise<void>
  /** Runs once after each call, however it ended. The relay logs what this throws. */
  done?(record: UsageRecord): void
}

/** A call that the relay has admitted and routed, and is about to send. */
export interface AdmittedCall {
  /** The value of `x-request-id`. */
  readonly requestId: string
  readonly caller: Caller
  /** For example `chat`, `embed` or `image`. */
  readonly operation: string
  /** The public model name that the client asked for. */
  readonly model: string
  /** Whether the client asked for a stream. */
  readonly stream: boolean
}

/** Where the relay writes its log. A pino logger has this interface. */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

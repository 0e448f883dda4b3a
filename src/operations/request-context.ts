import type { AttemptLog } from '../call.js'
import type { Caller } from '../caller.js'
import type { Endpoint, Operation } from '../endpoints.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import type { Protocol } from '../protocols/protocol.js'
import type { PathFacts } from '../protocols/request-facts.js'
import type { Services } from '../services.js'

/** Handles the requests of one operation. Throws what the client should receive as an error. */
export type OperationHandler = (services: Services, context: RequestContext) => RelayResponse | Promise<RelayResponse>

/** An authenticated request. */
export interface RequestContext {
  /** The value of `x-request-id`. */
  readonly id: string
  /** On the clock of `now()`, in ms. */
  readonly startedAt: number
  readonly request: RelayRequest
  readonly endpoint: Omit<Endpoint, 'operation'> & { readonly operation: Operation }
  readonly path: PathFacts
  readonly protocol: Protocol
  readonly caller: Caller
  /** Failover adds them. Headers of the response list them, also for an error. */
  readonly attempts: AttemptLog[]
  /** Headers for the response, also for an error. */
  readonly responseHeaders: Record<string, string>
}

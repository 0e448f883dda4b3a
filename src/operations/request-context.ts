import type { AttemptLog, Caller } from '../call.js'
import type { Endpoint, Operation } from '../endpoints.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import type { PathFacts, Protocol } from '../protocols/protocol.js'
import type { Services } from '../services.js'

/** What is done at an endpoint, once it is known who asks. Throws what is to be told to the client. */
export type OperationHandler = (parts: Services, visit: RequestContext) => RelayResponse | Promise<RelayResponse>

/** One request that has been let in. */
export interface RequestContext {
  /** As it stands in `x-request-id`. */
  readonly id: string
  /** On the clock of `now()`. */
  readonly startedAt: number
  readonly request: RelayRequest
  readonly endpoint: Omit<Endpoint, 'operation'> & { readonly operation: Operation }
  readonly path: PathFacts
  readonly protocol: Protocol
  readonly caller: Caller
  /** Filled while targets are tried: it is told whatever the end. */
  readonly attempts: AttemptLog[]
  /** Headers that the answer will have, whatever it is. */
  readonly responseHeaders: Record<string, string>
}

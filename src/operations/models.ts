import type { Caller } from '../call.js'
import type { Gate } from '../policies/authenticate.js'
import { type Router, route } from '../policies/route.js'
import type { ModelEntry } from '../protocols/protocol.js'

/** What there is to list, and who may see it. */
interface Shelf {
  readonly router: Router
  readonly gate: Gate
}

/** The models that a caller may use and that have a name of their own; behind a wildcard there may be any number more. */
export function listModels({ router, gate }: Shelf, caller: Caller): ModelEntry[] {
  return router.names.filter((name) => gate.mayUse(caller, name)).map((name) => entry(router, name))
}

/** One model, also one that only a wildcard knows. @throws {RelayError} `model_not_found` */
export function findModel({ router, gate }: Shelf, caller: Caller, name: string): ModelEntry {
  route(router, name, caller, gate.mayUse)
  return entry(router, name)
}

function entry(router: Router, name: string): ModelEntry {
  return { id: name, ownedBy: router.find(name)?.targets[0]?.upstream.id ?? 'modelmount' }
}

import { answerJson } from '../answers.js'
import type { Router } from '../policies/route.js'
import { route } from '../policies/route.js'
import type { ModelEntry } from '../protocols/protocol.js'
import type { Perform } from './operation.js'

/** The models that a caller may use and that have a name of their own; behind a wildcard there may be any number more. */
export const listModels: Perform = ({ router, gate }, { protocol, caller, id }) => {
  const names = router.names.filter((name) => gate.mayUse(caller, name))
  return answerJson(protocol.writeModels(names.map((name) => entry(router, name))), id)
}

/** One model, also one that only a wildcard knows. @throws {RelayError} `model_not_found` */
export const showModel: Perform = ({ router, gate }, { protocol, caller, path, id: requestId }) => {
  const { id: name } = path
  route(router, name, gate.mayUse(caller, name))
  return answerJson(protocol.writeModel(entry(router, name)), requestId)
}

function entry(router: Router, name: string): ModelEntry {
  return { id: name, ownedBy: router.find(name)?.targets[0]?.upstream.id ?? 'modelmount' }
}

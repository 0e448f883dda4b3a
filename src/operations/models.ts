import { answerJson } from '../answers.js'
import type { Parts } from '../parts.js'
import { route } from '../policies/route.js'
import type { ModelEntry } from '../protocols/protocol.js'
import type { Perform } from './operation.js'

/**
 * The models that a caller may use: those that the config names, and of those behind its wildcards all that the catalogue
 * knows. There may be more.
 */
export const listModels: Perform = async (parts, { protocol, caller, id }) => {
  const { router, gate, prices } = parts
  await prices.open()
  const known = router.namesOf(({ provider }) => prices.names(provider))
  const names = [...new Set([...router.names, ...known])].filter((name) => gate.mayUse(caller, name))
  return answerJson(protocol.writeModels(names.map((name) => entry(parts, name))), id)
}

/** One model, also one that only a wildcard knows. @throws {RelayError} `model_not_found` */
export const showModel: Perform = async (parts, { protocol, caller, path, id: requestId }) => {
  const { id: name } = path
  route(parts.router, name, parts.gate.mayUse(caller, name))
  await parts.prices.open()
  return answerJson(protocol.writeModel(entry(parts, name)), requestId)
}

function entry({ router, prices }: Parts, name: string): ModelEntry {
  const first = router.firstOf(name)
  if (!first) return { id: name, ownedBy: 'modelmount' }
  return {
    id: name,
    ownedBy: first.upstream.id,
    contextWindow: prices.contextWindow(first),
    price: prices.perMillion(first),
  }
}

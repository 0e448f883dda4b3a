import { route } from '../policies/routing/router.js'
import type { ModelEntry } from '../protocols/protocol.js'
import { jsonResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import type { OperationHandler } from './request-context.js'

/**
 * The models that a caller may use: those that the config names, and of those behind its wildcards all that the catalogue
 * knows. There may be more.
 */
export const listModels: OperationHandler = async (parts, { protocol, caller, id }) => {
  const { router, authenticator, prices } = parts
  await prices.open()
  const known = router.namesOf(({ provider }) => prices.names(provider))
  const names = [...new Set([...router.names, ...known])].filter((name) => authenticator.mayUse(caller, name))
  return jsonResponse(protocol.writeModels(names.map((name) => entry(parts, name))), id)
}

/** One model, also one that only a wildcard knows. @throws {RelayError} `model_not_found` */
export const showModel: OperationHandler = async (parts, { protocol, caller, path, id: requestId }) => {
  const { id: name } = path
  route(parts.router, name, parts.authenticator.mayUse(caller, name))
  await parts.prices.open()
  return jsonResponse(protocol.writeModel(entry(parts, name)), requestId)
}

function entry({ router, prices }: Services, name: string): ModelEntry {
  const first = router.firstTarget(name)
  if (!first) return { id: name, ownedBy: 'modelmount' }
  return {
    id: name,
    ownedBy: first.upstream.id,
    contextWindow: prices.contextWindow(first),
    price: prices.perMillion(first),
  }
}

import { route } from '../policies/routing/router.js'
import type { ModelEntry } from '../protocols/protocol.js'
import { jsonResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import type { OperationHandler } from './request-context.js'

/**
 * Lists the models that the caller may use: the names in the config and, behind its wildcards, those that the catalogue
 * or the provider's own list knows. Wildcards may match further names.
 */
export const listModels: OperationHandler = async (services, { protocol, caller, id }) => {
  const { router, authenticator, prices } = services
  await prices.load()
  const known = router.namesOf(({ provider }) => prices.modelNames(provider))
  const names = [...new Set([...router.names, ...known])].filter((name) => authenticator.mayUse(caller, name))
  return jsonResponse(protocol.writeModels(names.map((name) => modelEntry(services, name))), id)
}

/** Shows one model, also one that only a wildcard matches. @throws {RelayError} `model_not_found` */
export const showModel: OperationHandler = async (services, { protocol, caller, path, id: requestId }) => {
  const { router, authenticator, prices } = services
  const { id: name } = path
  route(router, name, authenticator.mayUse(caller, name))
  await prices.load()
  return jsonResponse(protocol.writeModel(modelEntry(services, name)), requestId)
}

function modelEntry({ router, prices }: Services, name: string): ModelEntry {
  const first = router.firstTarget(name)
  if (!first) return { id: name, ownedBy: 'modelmount' }
  return {
    id: name,
    ownedBy: first.upstream.id,
    contextWindow: prices.contextWindow(first),
    price: prices.usdPerMillion(first),
  }
}

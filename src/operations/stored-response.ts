import { RelayError } from '../errors.js'
import { jsonResponse } from '../requests/responses.js'
import type { OperationHandler } from './request-context.js'

/** An answer that was kept, shown or deleted. @throws {RelayError} 404, also for another tenant's */
export const response: OperationHandler = (
  { storedResponses },
  { endpoint, path, protocol, caller, id: requestId },
) => {
  const { id } = path
  const found = storedResponses?.find(caller.id, id)
  const { responseStorage } = protocol
  if (!responseStorage) throw new RelayError('unknown_path', 'This language has no answers to refer to.')
  if (found?.answer === undefined) throw responseStorage.missing(id)
  if (endpoint.method === 'GET') return jsonResponse(Buffer.from(found.answer), requestId)
  storedResponses?.delete(caller.id, id)
  return jsonResponse(responseStorage.writeDeleted(id), requestId)
}

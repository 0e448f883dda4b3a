import { RelayError } from '../errors.js'
import { jsonResponse } from '../requests/responses.js'
import type { OperationHandler } from './request-context.js'

/** Returns or deletes a stored response of the caller. @throws {RelayError} 404, also for a response of another caller */
export const storedResponse: OperationHandler = (
  { storedResponses },
  { endpoint, path, protocol, caller, id: requestId },
) => {
  const { id } = path
  const stored = storedResponses?.find(caller.id, id)
  const { responseStorage } = protocol
  if (!responseStorage) throw new RelayError('unknown_path', 'This protocol has no stored responses.')
  if (stored?.answer === undefined) throw responseStorage.notFoundError(id)
  if (endpoint.method === 'GET') return jsonResponse(Buffer.from(stored.answer), requestId)
  storedResponses?.delete(caller.id, id)
  return jsonResponse(responseStorage.writeDeleted(id), requestId)
}

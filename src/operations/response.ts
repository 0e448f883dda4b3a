import { answerJson } from '../answers.js'
import { RelayError } from '../errors.js'
import type { Perform } from './operation.js'

/** An answer that was kept, shown or deleted. @throws {RelayError} 404, also for another tenant's */
export const response: Perform = ({ kept }, { endpoint, path, protocol, caller, id: requestId }) => {
  const { id } = path
  const found = kept?.find(caller.id, id)
  const { recall } = protocol
  if (!recall) throw new RelayError('unknown_path', 'This language has no answers to refer to.')
  if (found?.answer === undefined) throw recall.missing(id)
  if (endpoint.method === 'GET') return answerJson(Buffer.from(found.answer), requestId)
  kept?.delete(caller.id, id)
  return answerJson(recall.writeDeleted(id), requestId)
}

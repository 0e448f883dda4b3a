import { answerJson } from '../answers.js'
import { RelayError } from '../errors.js'
import type { Perform } from './operation.js'

/** An answer that was kept, shown or deleted. @throws {RelayError} 404, also for another tenant's */
export const response: Perform = ({ kept }, { endpoint, path, protocol, caller, id: requestId }) => {
  const { id } = path
  const found = kept?.find(caller.id, id)
  if (found?.answer === undefined || !protocol.recall) {
    const message = `Response with id '${id.slice(0, 100)}' not found.`
    throw new RelayError('unknown_path', message, { code: null, param: 'response_id' })
  }
  if (endpoint.method === 'GET') return answerJson(Buffer.from(found.answer), requestId)
  kept?.delete(caller.id, id)
  return answerJson(protocol.recall.writeDeleted(id), requestId)
}

/**
 * The relay in `node:http`, `node:https` and `node:http2`; the other Node frameworks' adapters stand on it.
 * @module
 */
import { answerUnknownPath, type Relay } from '../src/index.js'
import { send } from './node-answer.js'
import { Incoming, type NodeRequest, type NodeResponse, type Surroundings } from './node-request.js'

export type { NodeRequest, NodeResponse, ParsedBody, Surroundings } from './node-request.js'
export { type UpgradeListener, type UpgradeOptions, upgradeRelay } from './upgrade.js'

/** A request listener: `http.createServer(nodeRelay(relay))`. What is not the relay's gets a 404. */
export function nodeRelay(relay: Relay): (req: NodeRequest, res: NodeResponse) => void {
  return (req, res) => {
    const request = new Incoming(req, res, { mount: '' })
    if (!answer(relay, request, req, res)) send(req, res, answerUnknownPath(request))
  }
}

/** As much of a server as {@link attachRelay} needs. */
export interface AttachableServer {
  emit(event: string | symbol, ...values: unknown[]): boolean
  listenerCount(event: string): number
  on(event: 'checkContinue', listener: (req: NodeRequest, res: NodeResponse) => void): unknown
}

/**
 * Lets the relay answer its paths before the server's own listeners see them, in whatever order they are added. All else
 * reaches them as before. A framework's own cost a request, larger than the relay's with Express, is saved.
 */
export function attachRelay(server: AttachableServer, relay: Relay): void {
  const emit = server.emit
  server.emit = (event, ...values) => {
    if (event !== 'request' && event !== 'checkContinue') return emit.call(server, event, ...values)
    const [req, res] = values as [NodeRequest, NodeResponse]
    const answering = handleNode(relay, req, res, { awaitsContinue: event === 'checkContinue' })
    return answering !== undefined || emit.call(server, event, ...values)
  }
  // With a listener here Node leaves the "100 Continue" to us: a refused request is then refused before its body is sent.
  server.on('checkContinue', (req, res) => {
    // The host's own listener decides, if it has one.
    if (server.listenerCount('checkContinue') > 1) return
    res.writeContinue()
    emit.call(server, 'request', req, res)
  })
}

/** Answers one request; undefined if it is not the relay's, and then it is untouched. Resolves when the answer has begun. */
export function handleNode(
  relay: Relay,
  req: NodeRequest,
  res: NodeResponse,
  around: Surroundings = {},
): Promise<void> | undefined {
  return answer(relay, new Incoming(req, res, around), req, res)
}

function answer(relay: Relay, request: Incoming, req: NodeRequest, res: NodeResponse): Promise<void> | undefined {
  const answering = relay.handle(request)
  if (!answering) return undefined
  // Also after a whole answer, when nobody waits any more: HTTP/2 calls a broken response finished, so asking is no use.
  const leave = (): void => request.client.close()
  res.on('close', leave)
  // Behind another answer on the same connection a response has no socket yet, and hears nothing of its end.
  if (!res.socket) {
    req.socket?.on('close', leave)
    res.on('close', () => req.socket?.off('close', leave))
  }
  // What fails here, the host's own wrapping of the response most likely, may cost this answer but not the process.
  return answering
    .then((response) => {
      if (!request.client.isClosed) send(req, res, response)
    })
    .catch(() => void res.destroy())
}

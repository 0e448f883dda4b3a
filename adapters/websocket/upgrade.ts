import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import {
  answerUnknownPath,
  ClientConnection,
  type Relay,
  RelayError,
  type RelayRequest,
  type RelayResponse,
  type Upgrade,
} from '../../src/index.js'
import { CLOSE_TIMEOUT_MS } from '../node-http.js'
import type { UpstreamHandshakes } from './upstream-handshake.js'

/** The part of a server that the listener uses. */
interface Emitter {
  listenerCount(event: string): number
}

export interface UpgradeOptions {
  /** Mount path, such as `/ai`. Directly after it a path needs no `/v1`. */
  readonly mount?: string | undefined
}

/** A listener for `upgrade` events. */
export type UpgradeListener = (this: unknown, req: IncomingMessage, socket: Socket, head: Buffer) => void

/**
 * Creates an `upgrade` listener that opens the relay's WebSockets: `server.on('upgrade', upgradeRelay(relay))`. Leaves
 * other upgrades to the server's other listeners. Where there are none, the client gets a 404, so that its socket does
 * not hang.
 */
export function upgradeRelay(relay: Relay, { mount = '' }: UpgradeOptions = {}): UpgradeListener {
  let handshakes: UpstreamHandshakes | undefined
  return function (req, socket, head) {
    const client = new ClientConnection()
    const request = createRequest(req, mount, client)
    const isWebSocket = req.headers.upgrade?.toLowerCase() === 'websocket' && req.method === 'GET'
    const admitting = isWebSocket ? relay.upgrade(request) : undefined
    const hasOtherListeners = ((this as Emitter | undefined)?.listenerCount?.('upgrade') ?? 1) > 1
    if (!admitting && hasOtherListeners) return
    socket.on('error', () => socket.destroy())
    if (!admitting) return refuse(socket, answerUnknownPath(request))
    open(admitting).catch(() => void socket.destroy())

    async function open(pending: Promise<Upgrade | RelayResponse>): Promise<void> {
      const upgrade = await pending
      if ('status' in upgrade) return refuse(socket, upgrade)
      if (upgrade.endpoint === 'responses') {
        const { openResponsesSocket } = await import('./responses-socket.js')
        return openResponsesSocket(upgrade, req, socket, head)
      }
      // Loaded with the first WebSocket, because most relays open none.
      const [{ UpstreamHandshakes }, { SocketTunnel }] = await Promise.all([
        import('./upstream-handshake.js'),
        import('./socket-tunnel.js'),
      ])
      handshakes ??= new UpstreamHandshakes()
      const { subprotocols, maxBytes } = upgrade
      const onDisconnect = (): void => client.close()
      const tunnel = new SocketTunnel({ req, socket, head, subprotocols, maxBytes, onDisconnect }, handshakes)
      const refusal = await upgrade.open(tunnel)
      if (refusal) refuse(socket, refusal)
    }
  }
}

/** Sends an HTTP response in place of a WebSocket, and closes the socket. */
function refuse(socket: Socket, { status, headers, body }: RelayResponse): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // Node no longer manages this socket: neither the server's timeouts nor its closing reach it.
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS)
  socket.on('close', () => clearTimeout(timer))
  socket.resume()
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n${lines.join('')}\r\n`
  socket.end(Buffer.concat([Buffer.from(head), Buffer.isBuffer(body) ? body : NO_BYTES]))
}

function createRequest(req: IncomingMessage, mount: string, client: ClientConnection): RelayRequest {
  return {
    method: req.method ?? 'GET',
    url: req.url ?? '/',
    mount,
    headers: { ...req.headers },
    ip: req.socket.remoteAddress,
    client,
    host: req,
    read: () => Promise.reject(new RelayError('internal', 'A WebSocket handshake has no body.')),
  }
}

const NO_BYTES = Buffer.alloc(0)

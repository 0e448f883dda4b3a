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
} from '../src/index.js'
import type { Dialer } from './dialer.js'
import { LINGER_MS } from './node-answer.js'

/** As much of a server as an `upgrade` listener looks at. */
interface Emitter {
  listenerCount(event: string): number
}

/** What a framework's router has taken of the paths. */
export interface UpgradeOptions {
  /** `/ai`: right behind it a path needs no `/v1`. */
  readonly mount?: string | undefined
}

/** A listener for `upgrade` events. */
export type UpgradeListener = (this: unknown, req: IncomingMessage, socket: Socket, head: Buffer) => void

/**
 * An `upgrade` listener: `server.on('upgrade', upgradeRelay(relay))`. It opens the relay's WebSockets. Others are left to
 * the server's other listeners; where there are none the client is told so, and its socket does not hang.
 */
export function upgradeRelay(relay: Relay, { mount = '' }: UpgradeOptions = {}): UpgradeListener {
  let dialer: Dialer | undefined
  return function (req, socket, head) {
    const client = new ClientConnection()
    const request = requestOf(req, mount, client)
    const asked = req.headers.upgrade?.toLowerCase() === 'websocket' && req.method === 'GET'
    const letting = asked ? relay.upgrade(request) : undefined
    const others = ((this as Emitter | undefined)?.listenerCount?.('upgrade') ?? 1) > 1
    if (!letting && others) return
    socket.on('error', () => socket.destroy())
    if (!letting) return refuse(socket, answerUnknownPath(request))
    open(letting).catch(() => void socket.destroy())

    async function open(pending: Promise<Upgrade | RelayResponse>): Promise<void> {
      const upgrade = await pending
      if ('status' in upgrade) return refuse(socket, upgrade)
      if (upgrade.endpoint === 'responses') {
        const { openResponses } = await import('./responses-line.js')
        return openResponses(upgrade, { req, socket, head })
      }
      const [{ Dialer }, { SocketTunnel }] = await Promise.all([import('./dialer.js'), import('./socket-tunnel.js')])
      dialer ??= new Dialer()
      const left = (): void => client.close()
      const refused = await upgrade.open(new SocketTunnel({ ...upgrade, req, socket, head, left }, dialer))
      if (refused) refuse(socket, refused)
    }
  }
}

/** Tells a client that it gets no WebSocket, and why. */
function refuse(socket: Socket, { status, headers, body }: RelayResponse): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // Node has let go of this socket: no time-out of the server's and no closing of its connections reaches it any more.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.on('close', () => clearTimeout(timer))
  socket.resume()
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n${lines.join('')}\r\n`
  socket.end(Buffer.concat([Buffer.from(head), Buffer.isBuffer(body) ? body : NOTHING]))
}

function requestOf(req: IncomingMessage, mount: string, client: ClientConnection): RelayRequest {
  return {
    method: req.method ?? 'GET',
    url: req.url ?? '/',
    mount,
    headers: { ...req.headers },
    ip: req.socket.remoteAddress,
    client,
    host: req,
    read: () => Promise.reject(new RelayError('internal', 'A handshake has no body.')),
  }
}

const NOTHING = Buffer.alloc(0)

import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import httpProxy from 'http-proxy-3'
import { type HandshakeRefusal, RelayError, type UpstreamHandshake } from '../../src/index.js'
import { keepOnly, readErrorBody, selectHeaders } from '../proxied-response.js'
import type { HandshakeSocket } from './handshake-socket.js'

/** Headers of the client's handshake that go on to the provider, besides its key. */
const REQUEST_HEADERS = new Set(['sec-websocket-key', 'sec-websocket-version', 'openai-beta'])
/** Headers of the provider's handshake that reach the client, besides the relay's own. */
const RESPONSE_HEADERS = ['upgrade', 'connection', 'sec-websocket-accept', 'sec-websocket-protocol']

/** The client's side of a handshake with a provider. */
export interface ClientHandshake {
  readonly req: IncomingMessage
  readonly socket: Socket
  /** Subprotocols that the provider may see. */
  readonly subprotocols: readonly string[]
  /** Stands in for the client's socket. */
  readonly handshakeSocket: HandshakeSocket
  /** Called when both sides have agreed: the client has its response, and no message has been sent. */
  onOpen(provider: Duplex): void
}

interface PendingHandshake extends ClientHandshake {
  readonly to: UpstreamHandshake
  resolve(refusal?: HandshakeRefusal): void
  reject(error: Error): void
}

/** Opens WebSockets at providers, by http-proxy-3. */
export class UpstreamHandshakes {
  /** By handshake socket. */
  readonly #pending = new WeakMap<object, PendingHandshake>()
  /** By the provider's socket: called when http-proxy-3 has connected it. */
  readonly #onConnected = new WeakMap<object, () => void>()
  readonly #proxy = httpProxy.createProxyServer({ changeOrigin: true, ignorePath: true })

  constructor() {
    // Each handshake has a listener of its own. Without this one, an error would end the process.
    this.#proxy.on('error', () => undefined)
    this.#proxy.on('open', (provider) => this.#onConnected.get(provider)?.())
    this.#proxy.on('proxyReqWs', (request: ClientRequest, _req: unknown, handshakeSocket: object) => {
      const pending = this.#pending.get(handshakeSocket)
      if (pending) this.#follow(request, pending)
    })
  }

  /** Tries a handshake. Resolves with the provider's refusal, if it refuses. Rejects where the provider cannot be reached, or the client has disconnected. */
  open(to: UpstreamHandshake, client: ClientHandshake): Promise<HandshakeRefusal | undefined> {
    const { req, handshakeSocket, subprotocols } = client
    keepOnly(REQUEST_HEADERS, req.headers)
    // http-proxy-3 requires it here too.
    req.headers.upgrade = 'websocket'
    const headers: Record<string, string> = { ...to.headers, connection: 'Upgrade', upgrade: 'websocket' }
    if (subprotocols.length > 0) headers['sec-websocket-protocol'] = subprotocols.join(', ')
    return new Promise((resolve, reject) => {
      this.#pending.set(handshakeSocket, { ...client, to, resolve, reject })
      const socket = handshakeSocket as unknown as Socket
      this.#proxy.ws(req, socket, NO_BYTES, { target: to.target, headers }, (error) => reject(error))
    })
  }

  /** These listeners run before http-proxy-3's own, so they can still change the response. */
  #follow(request: ClientRequest, pending: PendingHandshake): void {
    const { req, handshakeSocket, to, socket, onOpen, resolve, reject } = pending
    const onTimeout = (): void => {
      request.destroy(new RelayError('upstream_timeout', 'The provider timed out.'))
    }
    const onDisconnect = (): void => {
      request.destroy(new RelayError('client_left', 'The client disconnected.'))
    }
    const timer = setTimeout(onTimeout, to.timeoutMs)
    const onDecided = (): void => {
      clearTimeout(timer)
      socket.off('close', onDisconnect)
    }
    socket.on('close', onDisconnect)
    request.on('close', onDecided)
    request.on('upgrade', (response: IncomingMessage, provider: Duplex) => {
      onDecided()
      if (!isAccepted(response, req)) {
        handshakeSocket.destroy()
        provider.destroy()
        return reject(new RelayError('upstream_invalid', 'The provider agreed to something other than a WebSocket.'))
      }
      response.headers = { ...selectHeaders(response, RESPONSE_HEADERS), ...to.responseHeaders }
      this.#onConnected.set(provider, () => {
        // http-proxy-3 has connected the two sockets. The tunnel takes over from here.
        provider.unpipe(handshakeSocket)
        handshakeSocket.unpipe(provider)
        onOpen(provider)
        resolve()
      })
    })
    request.on('response', (response: IncomingMessage) => {
      // http-proxy-3 must not pass the refusal on: failover may find another provider.
      handshakeSocket.destroy()
      readErrorBody(response).then((body) => {
        resolve({ status: response.statusCode ?? 502, headers: response.headers, body })
        response.destroy()
      }, reject)
    })
  }
}

/** RFC 6455: a server hashes the client's key together with this value, to prove that it understands WebSockets. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function isAccepted(
  { headers: { upgrade, 'sec-websocket-accept': accept } }: IncomingMessage,
  req: IncomingMessage,
): boolean {
  const expected = createHash('sha1').update(`${req.headers['sec-websocket-key']}${ACCEPT_GUID}`).digest('base64')
  return upgrade?.toLowerCase() === 'websocket' && accept === expected
}

const NO_BYTES = Buffer.alloc(0)

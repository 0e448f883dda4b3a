import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import httpProxy from 'http-proxy-3'
import { type HandshakeRefusal, RelayError, type UpstreamHandshake } from '../src/index.js'
import type { HandshakeSocket } from './handshake-socket.js'
import { headersOf, leaveOnly, readFault } from './proxied.js'
import type { Client } from './socket-tunnel.js'

/** Of a client's handshake these go on, and the provider's key besides. */
const PASSED = new Set(['sec-websocket-key', 'sec-websocket-version', 'openai-beta'])
/** Of a provider's answer these come back, and what the relay tells besides. */
const RETURNED = ['upgrade', 'connection', 'sec-websocket-accept', 'sec-websocket-protocol']

/** A handshake that is to be tried. */
export interface Handshake extends Pick<Client, 'req' | 'socket' | 'subprotocols'> {
  /** Stands for the client. */
  readonly junction: HandshakeSocket
  readonly to: UpstreamHandshake
  /** To be called when both have agreed: the client has been told, and nothing has been said. */
  agreed(provider: Duplex): void
}

interface Trying extends Handshake {
  settle(refusal?: HandshakeRefusal): void
  fail(error: Error): void
}

/** Opens WebSockets at providers, by http-proxy-3. */
export class Dialer {
  readonly #trying = new WeakMap<object, Trying>()
  /** By the provider's socket. */
  readonly #opening = new WeakMap<object, () => void>()
  readonly #proxy = httpProxy.createProxyServer({ changeOrigin: true, ignorePath: true })

  constructor() {
    // Each handshake has its own listener besides; without one here an error would end the process.
    this.#proxy.on('error', () => undefined)
    this.#proxy.on('open', (provider) => this.#opening.get(provider)?.())
    this.#proxy.on('proxyReqWs', (asking: ClientRequest, _req: unknown, junction: object) => {
      const trying = this.#trying.get(junction)
      if (trying) this.#follow(asking, trying)
    })
  }

  /** Rejects where the provider cannot be reached, or the client has left. */
  dial(handshake: Handshake): Promise<HandshakeRefusal | undefined> {
    const { req, junction, to, subprotocols } = handshake
    leaveOnly(PASSED, req.headers)
    // http-proxy-3 looks here too.
    req.headers.upgrade = 'websocket'
    const headers: Record<string, string> = { ...to.headers, connection: 'Upgrade', upgrade: 'websocket' }
    if (subprotocols.length > 0) headers['sec-websocket-protocol'] = subprotocols.join(', ')
    return new Promise((resolve, reject) => {
      this.#trying.set(junction, { ...handshake, settle: resolve, fail: reject })
      const socket = junction as unknown as Client['socket']
      this.#proxy.ws(req, socket, NOTHING, { target: to.target, headers }, (error) => reject(error))
    })
  }

  /** These listeners come before http-proxy-3's own: what is not to be told is gone when it looks. */
  #follow(asking: ClientRequest, { req, junction, to, socket, agreed, settle, fail }: Trying): void {
    const late = (): void => {
      asking.destroy(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
    }
    const left = (): void => {
      asking.destroy(new RelayError('client_left', 'The client left.'))
    }
    const timer = setTimeout(late, to.timeoutMs)
    const decided = (): void => {
      clearTimeout(timer)
      socket.off('close', left)
    }
    socket.on('close', left)
    asking.on('close', decided)
    asking.on('upgrade', (answer: IncomingMessage, provider: Duplex) => {
      decided()
      if (!agrees(answer, req)) {
        junction.destroy()
        provider.destroy()
        return fail(new RelayError('upstream_invalid', 'The provider agreed to something else than a WebSocket.'))
      }
      answer.headers = { ...headersOf(answer, RETURNED), ...to.responseHeaders }
      this.#opening.set(provider, () => {
        // It has connected the two; they are the line's now.
        provider.unpipe(junction)
        junction.unpipe(provider)
        agreed(provider)
        settle()
      })
    })
    asking.on('response', (answer: IncomingMessage) => {
      // There is nobody any more whom http-proxy-3 could pass it on to.
      junction.destroy()
      readFault(answer).then((body) => {
        settle({ status: answer.statusCode ?? 502, headers: answer.headers, body })
        answer.destroy()
      }, fail)
    })
  }
}

/** RFC 6455: what a server adds to the client's key, to show that it knows what it is asked for. */
const SECRET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function agrees(
  { headers: { upgrade, 'sec-websocket-accept': proof } }: IncomingMessage,
  asked: IncomingMessage,
): boolean {
  const wanted = createHash('sha1').update(`${asked.headers['sec-websocket-key']}${SECRET}`).digest('base64')
  return upgrade?.toLowerCase() === 'websocket' && proof === wanted
}

const NOTHING = Buffer.alloc(0)

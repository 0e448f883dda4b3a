import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ResponsesUpgrade, SocketClient } from '../../src/index.js'
import { CLOSE_TIMEOUT_MS } from '../node-http.js'

/** With more bytes than these unsent, the answer and the client's own messages pause. */
const MAX_UNSENT_BYTES = 256 * 1024

/** Opens a WebSocket between the client and the relay. */
export function openResponsesSocket(
  upgrade: ResponsesUpgrade,
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: upgrade.maxBytes,
    handleProtocols: () => upgrade.subprotocols[0] ?? false,
  })
  server.on('headers', (lines) => {
    for (const [name, value] of Object.entries(upgrade.responseHeaders)) lines.push(`${name}: ${value}`)
  })
  server.handleUpgrade(req, socket, head, (client) => {
    const session = upgrade.open(createClient(client, () => session.resume()))
    client.on('message', (message: Buffer) => session.onClientMessage(message))
    client.on('close', () => session.end())
    // `close` follows.
    client.on('error', () => undefined)
  })
}

function createClient(client: WebSocket, resume: () => void): SocketClient {
  let isFull = false
  return {
    send(text) {
      client.send(text, () => {
        if (!isFull || client.bufferedAmount > MAX_UNSENT_BYTES / 2) return
        isFull = false
        client.resume()
        resume()
      })
      if (client.bufferedAmount > MAX_UNSENT_BYTES) {
        isFull = true
        client.pause()
      }
      return !isFull
    },
    close(code, reason) {
      client.close(code, reason)
      setTimeout(() => client.terminate(), CLOSE_TIMEOUT_MS).unref()
    },
  }
}

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ResponsesUpgrade, SocketClient } from '../src/index.js'
import { LINGER_MS } from './node-answer.js'

/** A client that has asked for a WebSocket, as Node hands it over. */
export interface Asking {
  readonly req: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

/** So much may wait to be sent before the answer is made to wait, and the client's own messages too. In bytes. */
const MOST_UNSENT = 256 * 1024

/** Opens a WebSocket between the client and the relay. */
export function openResponses(upgrade: ResponsesUpgrade, { req, socket, head }: Asking): void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: upgrade.maxBytes,
    handleProtocols: () => upgrade.subprotocols[0] ?? false,
  })
  server.on(
    'headers',
    (lines) => void lines.push(...Object.entries(upgrade.responseHeaders).map(([name, value]) => `${name}: ${value}`)),
  )
  server.handleUpgrade(req, socket, head, (client) => {
    const talk = upgrade.open(lineOf(client, () => talk.resume()))
    client.on('message', (message: Buffer) => talk.onClientMessage(message))
    client.on('close', () => talk.end())
    // Its end is told by another event as well.
    client.on('error', () => undefined)
  })
}

function lineOf(client: WebSocket, resume: () => void): SocketClient {
  let isFull = false
  return {
    send(text) {
      client.send(text, () => {
        if (!isFull || client.bufferedAmount > MOST_UNSENT / 2) return
        isFull = false
        client.resume()
        resume()
      })
      if (client.bufferedAmount > MOST_UNSENT) {
        isFull = true
        client.pause()
      }
      return !isFull
    },
    close(code, reason) {
      client.close(code, reason)
      setTimeout(() => client.terminate(), LINGER_MS).unref()
    },
  }
}

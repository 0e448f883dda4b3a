import type { IncomingMessage } from 'node:http'
import { type ClientOptions, WebSocket } from 'ws'
import type { Event } from './realtime-upstream.js'

/** A client that records all events. */
export interface WebSocketClient {
  readonly socket: WebSocket
  readonly events: Event[]
  /** The recorded events of one type. */
  of(type: string): Event[]
  send(event: Event | string | Buffer): void
  /** Resolves with code and reason when the socket closes. */
  readonly closed: Promise<{ code: number; reason: string }>
}

/** Opens a WebSocket. Rejects with {@link RefusedHandshake}. */
export function openWebSocket(
  url: string,
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<WebSocketClient> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, options)
  const events: Event[] = []
  socket.on('message', (message) => events.push(JSON.parse(String(message)) as Event))
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  const client: WebSocketClient = {
    socket,
    events,
    of: (type) => events.filter((event) => event.type === type),
    send: (event) => socket.send(typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event)),
    closed,
  }
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(client))
    socket.on('error', reject)
    socket.on('unexpected-response', (_req, res: IncomingMessage) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () => reject(new RefusedHandshake(res, String(Buffer.concat(chunks)))))
    })
  })
}

/** A handshake that the server answered with another status than 101. */
export class RefusedHandshake extends Error {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string

  constructor({ statusCode, headers }: IncomingMessage, body: string) {
    super(`${statusCode} ${body}`)
    this.status = statusCode
    this.headers = headers
    this.body = body
  }
}

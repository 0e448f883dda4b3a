import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { answerError, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'

export type Event = Record<string, unknown>

/** A realtime server on a real socket, which writes down all that it sees. */
export interface RealtimeUpstream extends ScriptedUpstream {
  /** Handshakes, granted or not. */
  readonly handshakes: IncomingMessage[]
  /** Clients' events, in order. */
  readonly heard: Event[]
  readonly open: Set<WebSocket>
  /** Replaces the default answers to a client's events. */
  answer: (client: WebSocket, event: Event) => void
  /** Handles a handshake instead of accepting it. */
  refuse: ((req: IncomingMessage, socket: Duplex) => void) | undefined
}

export const USAGE = {
  total_tokens: 30,
  input_tokens: 20,
  output_tokens: 10,
  input_token_details: {
    text_tokens: 8,
    audio_tokens: 12,
    cached_tokens: 6,
    cached_tokens_details: { text_tokens: 4, audio_tokens: 2 },
  },
  output_token_details: { text_tokens: 3, audio_tokens: 7 },
}

let responses = 0

/** One whole answer. */
export function respond(client: WebSocket, pieces: readonly string[] = ['hel', 'lo'], usage: unknown = USAGE): void {
  const id = `resp_${++responses}`
  const sendEvent = (event: Event): void => client.send(JSON.stringify(event))
  sendEvent({ type: 'response.created', event_id: 'event_1', response: { id, status: 'in_progress', usage: null } })
  for (const delta of pieces)
    sendEvent({ type: 'response.output_text.delta', event_id: 'event_2', response_id: id, delta })
  sendEvent({ type: 'response.done', event_id: 'event_3', response: { id, status: 'completed', output: [], usage } })
}

/** `response.create` and, as with a server that listens for pauses, `input_audio_buffer.commit` bring an answer. */
export function answerUsually(client: WebSocket, event: Event): void {
  if (event.type === 'response.create' || event.type === 'input_audio_buffer.commit') respond(client)
  if (event.type === 'session.update')
    client.send(JSON.stringify({ type: 'session.updated', session: event.session ?? {} }))
}

export async function startRealtime(): Promise<RealtimeUpstream> {
  const upstream = await startUpstream(answerError(404, 'no such path'))
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (names) => (names.has('realtime') ? 'realtime' : false),
  })
  const realtime: RealtimeUpstream = Object.assign(upstream, {
    handshakes: [],
    heard: [],
    open: new Set<WebSocket>(),
    answer: answerUsually,
    refuse: undefined,
  })
  upstream.server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    realtime.handshakes.push(req)
    if (realtime.refuse) return realtime.refuse(req, socket)
    sockets.handleUpgrade(req, socket, head, (client) => {
      realtime.open.add(client)
      client.on('close', () => realtime.open.delete(client))
      client.on('error', () => undefined)
      client.on('message', (message) => {
        const event = JSON.parse(String(message)) as Event
        realtime.heard.push(event)
        realtime.answer(client, event)
      })
      const model = new URL(req.url ?? '', 'http://host').searchParams.get('model')
      client.send(JSON.stringify({ type: 'session.created', session: { id: 'sess_1', model } }))
    })
  })
  return realtime
}

/** Refuses a handshake with OpenAI's error format. */
export function refuseWith(status: number, message: string, headers = ''): RealtimeUpstream['refuse'] {
  return (_req, socket) => {
    const body = JSON.stringify({ error: { message, type: 'invalid_request_error', code: null, param: null } })
    socket.end(
      `HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\nset-cookie: secret=1\r\n${headers}` +
        `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}

/** Neither yes nor no, until the other side has had enough. */
export function keepSilent(_req: IncomingMessage, socket: Duplex): void {
  socket.resume().on('end', () => socket.end())
  socket.on('error', () => undefined)
}

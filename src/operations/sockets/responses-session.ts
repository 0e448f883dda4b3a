import type { Caller } from '../../caller.js'
import { RelayError } from '../../errors.js'
import type { ByteStream, RelayRequest, RelayResponse } from '../../http.js'
import { ClientConnection } from '../../lib/client-connection.js'
import { makeRequestId, randomText } from '../../lib/ids.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import { route } from '../../policies/routing/router.js'
import { openaiResponses } from '../../protocols/openai-responses/index.js'
import { recall } from '../../protocols/openai-responses/recall.js'
import {
  type Asked,
  emptyAnswer,
  failedEvent,
  marked,
  readAsked,
  repeatable,
} from '../../protocols/openai-responses/socket.js'
import type { OpenSocket, SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, toCallerError } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import { StoredResponses } from '../../upstream/transcode/stored-responses.js'

/** Answers a request as if it had come by HTTP. */
export type HandleRequest = (request: RelayRequest) => Promise<RelayResponse> | undefined

/** Who has opened the WebSocket, and how. */
export interface Opened {
  readonly parts: Services
  readonly request: RelayRequest
  readonly caller: Caller
  readonly handle: HandleRequest
}

/** An answer that is under way. */
interface Answering {
  readonly client: ClientConnection
  /** Once it has begun. */
  flow: ByteStream | undefined
}

/** So many messages may wait for those that are being answered, of no more bytes together than one may have. */
const MOST_WAITING = 16
/** So many are answered at the same time, each in a stream of its own. */
const MOST_STREAMS = 16
/** Headers of the handshake that say nothing of the single messages. */
const HANDSHAKE = /^(?:sec-websocket-.*|connection|upgrade|host|content-.*|expect|x-request-id|idempotency-key)$/

/**
 * The Responses API on a WebSocket. Each message is a request of its own to the relay, with all that belongs to one, and
 * its answer's events are messages; so any model can be talked to in this way. They are answered one after the other, or
 * side by side where they name streams. What was said on the connection is remembered as long as it stands: a client goes
 * on from an answer by its id.
 */
export class ResponsesSession {
  readonly #opened: Opened
  readonly #line: SocketClient
  readonly #socket: OpenSocket
  readonly #waiting: Asked[] = []
  #waitingBytes = 0
  readonly #said: StoredResponses
  /** By stream. */
  readonly #answering = new Map<string | undefined, Answering>()

  constructor(opened: Opened, line: SocketClient) {
    const { sockets, config } = opened.parts
    this.#opened = opened
    this.#line = line
    this.#socket = sockets.open(line)
    this.#said = new StoredResponses({
      maxBytes: 2 * config.maxBodyBytes,
      seconds: Math.ceil(config.sockets.totalMs / 1000),
    })
  }

  /** The client's next message, whole. */
  onClientMessage(message: Buffer): void {
    this.#socket.touch()
    try {
      this.#queue(readAsked(message))
    } catch (error) {
      this.#refuse(error, undefined)
    }
  }

  /** More is welcome again, after a `tell` that gave false. */
  resume(): void {
    for (const { flow } of this.#answering.values()) flow?.resume()
  }

  /** The client has left. */
  end(): void {
    this.#waiting.length = 0
    this.#socket.closed()
    for (const { client } of this.#answering.values()) client.close()
  }

  #queue(asked: Asked): void {
    const bytes = this.#waitingBytes + asked.body.length
    if (this.#waiting.length >= MOST_WAITING || bytes > this.#opened.parts.config.maxBodyBytes)
      return this.#refuse(new RelayError('rate_limited', 'Too many requests wait on this connection.'), asked.stream)
    this.#waiting.push(asked)
    this.#waitingBytes = bytes
    this.#next()
  }

  /** Begins with the first that waits for no other. */
  #next(): void {
    if (this.#answering.size >= MOST_STREAMS) return
    const index = this.#waiting.findIndex(({ stream }) => !this.#answering.has(stream))
    const [asked] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (!asked) return
    const { stream } = asked
    const answering: Answering = { client: new ClientConnection(), flow: undefined }
    this.#waitingBytes -= asked.body.length
    this.#answering.set(stream, answering)
    this.#socket.began()
    this.#answer(asked, answering)
      .catch((error: unknown) => this.#refuse(error, stream))
      .finally(() => {
        this.#answering.delete(stream)
        this.#socket.ended()
        this.#next()
      })
  }

  async #answer(asked: Asked, answering: Answering): Promise<void> {
    const body = this.#expanded(asked)
    if (asked.isWarmUp) return this.#warmUp(asked, body)
    const response = await this.#opened.handle(this.#requestFor(body, answering.client))
    if (!response) throw new RelayError('unknown_path', 'There is nothing here.')
    const { status, headers, body: answer = NOTHING } = response
    if (Buffer.isBuffer(answer)) return void this.#tell(failedEvent(status, headers, answer), asked.stream)
    answering.flow = answer
    return this.#pass(answer, body, asked.stream)
  }

  #tell(event: string, stream: string | undefined): boolean {
    return this.#line.send(marked(event, stream))
  }

  /** The events of an answer, one message each. */
  #pass(flow: ByteStream, body: Buffer, stream: string | undefined): Promise<void> {
    const gatherer = new RecordGatherer()
    const pass = (records: Buffer): boolean => {
      let more = true
      for (const record of records.length > 0 ? readRecords(records) : []) {
        more = this.#tell(record.data, stream)
        const answer = recall.finalAnswer(record)
        if (answer) this.#remember(body, answer)
      }
      this.#socket.touch()
      return more
    }
    return new Promise((resolve, reject) => {
      flow.start({
        write: (bytes) => pass(gatherer.push(bytes)),
        end() {
          pass(gatherer.rest())
          resolve()
        },
        abort: () => reject(new RelayError('upstream_failed', 'The answer broke off.')),
      })
    })
  }

  /** Nothing is sent for the prompt alone: it is remembered, and comes with what goes on from it. @throws {RelayError} */
  #warmUp({ model: asked, stream }: Asked, body: Buffer): void {
    const { parts, caller } = this.#opened
    const model = String(asked)
    route(parts.router, model, parts.authenticator.mayUse(caller, model))
    const { events, answer } = emptyAnswer({
      id: `resp_${randomText(48)}`,
      model,
      created_at: Math.floor(Date.now() / 1000),
    })
    this.#remember(body, answer)
    for (const event of events) this.#tell(event, stream)
  }

  /** With what it goes on from, where that was said here. All else the relay's own memory is asked for. */
  #expanded({ body, previous }: Asked): Buffer {
    if (typeof previous !== 'string' || !this.#said.find(HERE, previous)) return body
    const { parts, caller } = this.#opened
    return recall.expand(body, (id) => this.#said.find(HERE, id) ?? parts.storedResponses?.find(caller.id, id))
  }

  #remember(body: Buffer, answer: Buffer): void {
    const keeping = recall.keep(body, recall.isWanted(body) ? answer : repeatable(answer))
    if (keeping) this.#said.store(HERE, keeping)
  }

  #requestFor(body: Buffer, client: ClientConnection): RelayRequest {
    const { url, mount, headers: given, ip, host, ignoresHostSession } = this.#opened.request
    const headers = Object.fromEntries(Object.entries(given).filter(([name]) => !HANDSHAKE.test(name)))
    return {
      method: 'POST',
      url,
      mount,
      headers: { ...headers, 'content-type': 'application/json' },
      ip,
      host,
      ignoresHostSession,
      client,
      read: () => Promise.resolve(body),
    }
  }

  #refuse(error: unknown, stream: string | undefined): void {
    const id = makeRequestId()
    const { status, headers, body } = errorResponse(
      toCallerError(error, this.#opened.parts.logger, id),
      openaiResponses,
      id,
      [],
    )
    this.#tell(failedEvent(status, headers, body as Buffer), stream)
  }
}

/** All that is said on a connection is its one client's. */
const HERE = ''
const NOTHING = Buffer.alloc(0)

import type { Caller } from '../../caller.js'
import { RelayError } from '../../errors.js'
import type { ByteStream, RelayRequest, RelayResponse } from '../../http.js'
import { ClientConnection } from '../../lib/client-connection.js'
import { makeRequestId, randomText } from '../../lib/ids.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import { route } from '../../policies/routing/router.js'
import { openaiResponses } from '../../protocols/openai-responses/index.js'
import { responseStorage } from '../../protocols/openai-responses/response-storage.js'
import {
  emptyAnswer,
  errorEventOf,
  readSocketRequest,
  type SocketRequest,
  withoutUnsendableReasoning,
  withStreamId,
} from '../../protocols/openai-responses/websocket.js'
import type { OpenSocket, SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, toCallerError } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import { StoredResponses } from '../../upstream/transcode/stored-responses.js'

/** Answers a request as if it had arrived by HTTP. */
export type HandleRequest = (request: RelayRequest) => Promise<RelayResponse> | undefined

/** An answer in progress. */
interface StreamingAnswer {
  readonly client: ClientConnection
  /** Undefined until the answer has begun. */
  body: ByteStream | undefined
}

/** Requests that may wait on one connection. Together they may be as large as one request. */
const MAX_WAITING = 16
/** Requests that are answered at the same time, each in a stream of its own. */
const MAX_STREAMS = 16
/** Headers that belong to the handshake only, not to the requests. */
const HANDSHAKE_HEADERS =
  /^(?:sec-websocket-.*|connection|upgrade|host|content-.*|expect|x-request-id|idempotency-key)$/

/**
 * The Responses API on a WebSocket. Each message is a request of its own to the relay, so any model can answer it, and
 * each event of the answer is a message. Requests are answered one after the other, or at the same time where they name
 * different streams. The session stores its answers while it is open, so that a client can continue from one by its id.
 */
export class ResponsesSession {
  readonly #services: Services
  readonly #handshake: RelayRequest
  readonly #caller: Caller
  readonly #handle: HandleRequest
  readonly #client: SocketClient
  readonly #socket: OpenSocket
  readonly #waiting: SocketRequest[] = []
  #waitingBytes = 0
  /** Answers of this session. */
  readonly #stored: StoredResponses
  /** By stream id. */
  readonly #answers = new Map<string | undefined, StreamingAnswer>()

  constructor(
    services: Services,
    handshake: RelayRequest,
    caller: Caller,
    handle: HandleRequest,
    client: SocketClient,
  ) {
    const { sockets, config } = services
    this.#services = services
    this.#handshake = handshake
    this.#caller = caller
    this.#handle = handle
    this.#client = client
    this.#socket = sockets.open(client)
    this.#stored = new StoredResponses({
      maxBytes: 2 * config.maxBodyBytes,
      seconds: Math.ceil(config.sockets.totalMs / 1000),
    })
  }

  /** Reads a client's message, and queues its request. */
  onClientMessage(message: Buffer): void {
    this.#socket.touch()
    try {
      this.#queue(readSocketRequest(message))
    } catch (error) {
      this.#sendError(error, undefined)
    }
  }

  /** Continues after a `send` that returned false. */
  resume(): void {
    for (const { body } of this.#answers.values()) body?.resume()
  }

  /** The client has disconnected. */
  end(): void {
    this.#waiting.length = 0
    this.#socket.onClose()
    for (const { client } of this.#answers.values()) client.close()
  }

  #queue(request: SocketRequest): void {
    const bytes = this.#waitingBytes + request.body.length
    if (this.#waiting.length >= MAX_WAITING || bytes > this.#services.config.maxBodyBytes)
      return this.#sendError(
        new RelayError('rate_limited', 'Too many requests wait on this connection.'),
        request.streamId,
      )
    this.#waiting.push(request)
    this.#waitingBytes = bytes
    this.#startNext()
  }

  /** Starts the first request whose stream is free. */
  #startNext(): void {
    if (this.#answers.size >= MAX_STREAMS) return
    const index = this.#waiting.findIndex(({ streamId }) => !this.#answers.has(streamId))
    const [request] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (!request) return
    const { streamId } = request
    const answer: StreamingAnswer = { client: new ClientConnection(), body: undefined }
    this.#waitingBytes -= request.body.length
    this.#answers.set(streamId, answer)
    this.#socket.answerStarted()
    this.#answer(request, answer)
      .catch((error: unknown) => this.#sendError(error, streamId))
      .finally(() => {
        this.#answers.delete(streamId)
        this.#socket.answerEnded()
        this.#startNext()
      })
  }

  async #answer(request: SocketRequest, answer: StreamingAnswer): Promise<void> {
    const body = this.#expandReference(request)
    if (request.isWarmUp) return this.#warmUp(request, body)
    const response = await this.#handle(this.#createRequest(body, answer.client))
    if (!response) throw new RelayError('unknown_path', 'No endpoint has this path.')
    const { status, headers, body: responseBody = NO_BODY } = response
    if (Buffer.isBuffer(responseBody))
      return void this.#send(errorEventOf(status, headers, responseBody), request.streamId)
    answer.body = responseBody
    return this.#sendEvents(responseBody, body, request.streamId)
  }

  #send(event: string, streamId: string | undefined): boolean {
    return this.#client.send(withStreamId(event, streamId))
  }

  /** Sends each event of an answer as a message. */
  #sendEvents(events: ByteStream, body: Buffer, streamId: string | undefined): Promise<void> {
    const gatherer = new RecordGatherer()
    const sendRecords = (records: Buffer): boolean => {
      let canTakeMore = true
      for (const record of records.length > 0 ? readRecords(records) : []) {
        canTakeMore = this.#send(record.data, streamId)
        const answer = responseStorage.finalAnswer(record)
        if (answer) this.#store(body, answer)
      }
      this.#socket.touch()
      return canTakeMore
    }
    return new Promise((resolve, reject) => {
      events.start({
        write: (bytes) => sendRecords(gatherer.push(bytes)),
        end() {
          sendRecords(gatherer.rest())
          resolve()
        },
        abort: () => reject(new RelayError('upstream_failed', 'The answer broke off.')),
      })
    })
  }

  /** Stores a prompt without calling a model. The first request that continues from it sends it. @throws {RelayError} */
  #warmUp({ model: requested, streamId }: SocketRequest, body: Buffer): void {
    const { router, authenticator } = this.#services
    const model = String(requested)
    route(router, model, authenticator.mayUse(this.#caller, model))
    const { events, answer } = emptyAnswer({
      id: `resp_${randomText(48)}`,
      model,
      created_at: Math.floor(Date.now() / 1000),
    })
    this.#store(body, answer)
    for (const event of events) this.#send(event, streamId)
  }

  /** Replaces a reference to an answer of this session by the conversation. The relay resolves other references. */
  #expandReference({ body, previousResponseId }: SocketRequest): Buffer {
    if (typeof previousResponseId !== 'string' || !this.#stored.find(SESSION_CALLER_ID, previousResponseId)) return body
    const { storedResponses } = this.#services
    return responseStorage.expandReferences(
      body,
      (id) => this.#stored.find(SESSION_CALLER_ID, id) ?? storedResponses?.find(this.#caller.id, id),
    )
  }

  #store(body: Buffer, answer: Buffer): void {
    const storable = responseStorage.toStorable(
      body,
      responseStorage.isStorageRequested(body) ? answer : withoutUnsendableReasoning(answer),
    )
    if (storable) this.#stored.store(SESSION_CALLER_ID, storable)
  }

  #createRequest(body: Buffer, client: ClientConnection): RelayRequest {
    const { url, mount, headers: handshakeHeaders, ip, host, ignoresHostSession } = this.#handshake
    const headers = Object.fromEntries(
      Object.entries(handshakeHeaders).filter(([name]) => !HANDSHAKE_HEADERS.test(name)),
    )
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

  #sendError(error: unknown, streamId: string | undefined): void {
    const id = makeRequestId()
    const { status, headers, body } = errorResponse(
      toCallerError(error, this.#services.logger, id),
      openaiResponses,
      id,
      [],
    )
    this.#send(errorEventOf(status, headers, body as Buffer), streamId)
  }
}

/** The session's own answers all belong to one client. */
const SESSION_CALLER_ID = ''
const NO_BODY = Buffer.alloc(0)

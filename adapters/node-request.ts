import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type ByteChunks, ClientConnection, RelayError, type RelayRequest, tooLarge } from '../src/index.js'
import { Gathering } from './gathering.js'
import { ignore } from './node-answer.js'

/** A request of `node:http` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** The response that goes with it. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** What a framework knows of a request beyond Node's own object. */
export interface Surroundings {
  /** Path and query as the client sent them. */
  readonly url?: string | undefined
  /** The part of the path that the framework's router has taken. */
  readonly mount?: string | undefined
  /** The framework's request or context, for `authenticate`. Its `ip` is believed. */
  readonly host?: { readonly ip?: unknown } | undefined
  /** Where the framework's parser has left a body that it took off the wire. */
  readonly parsed?: ParsedBody | undefined
  /** The client waits for a "100 Continue" that Node has left to us. */
  readonly awaitsContinue?: boolean
}

/** A body as a framework's parser left it. `rawBody` is preferred: an object must be written out again. */
export interface ParsedBody {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/** Such a request, as the relay reads it. */
export class Incoming implements RelayRequest {
  readonly client: ClientConnection = new ClientConnection()
  readonly #req: NodeRequest
  readonly #res: NodeResponse
  readonly #around: Surroundings

  constructor(req: NodeRequest, res: NodeResponse, around: Surroundings) {
    this.#req = req
    this.#res = res
    this.#around = around
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }

  get url(): string {
    return this.#around.url ?? this.#req.url ?? '/'
  }

  get mount(): string | undefined {
    return this.#around.mount
  }

  get headers(): IncomingHttpHeaders {
    return this.#req.headers
  }

  get ip(): string | undefined {
    const trusted = this.#around.host?.ip
    return typeof trusted === 'string' ? trusted : this.#req.socket?.remoteAddress
  }

  get host(): unknown {
    return this.#around.host ?? this.#req
  }

  get parsedBody(): unknown {
    if (!this.#req.readableDidRead) return undefined
    const { rawBody, body } = this.#around.parsed ?? (this.#req as ParsedBody)
    return rawBody ?? body
  }

  read(limit: number, inPieces?: boolean): Promise<ByteChunks> {
    const req = this.#req
    const announced = Number(req.headers['content-length'] ?? 0)
    if (announced > limit) return Promise.reject(tooLarge(limit))
    if (req.readableDidRead)
      return Promise.reject(new RelayError('internal', 'The host has read the body and kept nothing of it.'))
    if (this.#around.awaitsContinue) this.#res.writeContinue()
    return new Promise((resolve, reject) => {
      const body = new Gathering(inPieces ? 0 : announced)
      const give = (error: RelayError): void => {
        body.drop()
        reject(error)
      }
      const clientLeft = (): void =>
        give(new RelayError('client_left', 'The client left before its request was whole.'))
      this.client.listener = { onDisconnect: clientLeft }
      if (this.client.isClosed) clientLeft()
      req.on('data', (chunk: Buffer) => {
        if (body.size + chunk.length <= limit) body.add(chunk)
        else give(tooLarge(limit))
      })
      req.on('end', () => {
        this.client.listener = undefined
        resolve(body.whole())
      })
      req.on('error', ignore)
    })
  }
}

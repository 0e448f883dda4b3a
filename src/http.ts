import type { IncomingHttpHeaders } from 'node:http'
import type { ByteChunks } from './lib/byte-chunks.js'
import type { ClientConnection } from './lib/client-connection.js'

/** A request as an adapter passes it to the relay, independent of any framework. */
export interface RelayRequest {
  readonly method: string
  /** Path and query as the client sent them, including the mount path (Express's `originalUrl`). */
  readonly url: string
  /** The part of the path that the host's router has consumed. Directly after it an endpoint needs no `/v1`. */
  readonly mount?: string | undefined
  /** Names in lower case, as in Node. */
  readonly headers: IncomingHttpHeaders
  /** The client's address, as the host trusts it. */
  readonly ip?: string | undefined
  /** Closed by the adapter when the client disconnects. */
  readonly client: ClientConnection
  /** The host's own request or context, for `authenticate`: the user of a session can be the caller. */
  readonly host?: unknown
  /** Only a key identifies the caller, not the host's session. Set for WebSockets from pages of other origins. */
  readonly ignoresHostSession?: boolean | undefined
  /** A body that the host's parser has already read: the parsed object, its text or its bytes. */
  readonly parsedBody?: unknown
  /**
   * Reads the body. The relay calls it only after authentication, and at most once. `inChunks`: the body may stay in the
   * chunks in which it arrives.
   * @throws {RelayError} `too_large` as soon as more than `maxBytes` are announced or have arrived
   */
  read(maxBytes: number, inChunks?: boolean): Promise<ByteChunks>
}

/** The response that an adapter sends. Header names are in lower case, values are valid. */
export interface RelayResponse {
  readonly status: number
  readonly headers: Record<string, string>
  /** The whole body or a stream. Left out where there is none. */
  readonly body?: Buffer | ByteStream
}

/** A streamed body. Call `start` once. Closing the request's {@link ClientConnection} cancels it. */
export interface ByteStream {
  start(sink: ByteSink): void
  /** Continues after a `write` that returned false. */
  resume(): void
}

/** Receives the bytes of a stream. */
export interface ByteSink {
  /** Returns false to pause the stream until {@link ByteStream.resume}. */
  write(bytes: Buffer): boolean
  end(): void
  /** Ends the stream without its end. The client must see a broken connection, not a complete body. */
  abort(): void
}

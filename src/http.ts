import type { IncomingHttpHeaders } from 'node:http'
import type { ByteChunks } from './lib/byte-chunks.js'
import type { ClientConnection } from './lib/client-connection.js'

/** What an adapter hands in: one request, in no framework's words. */
export interface RelayRequest {
  readonly method: string
  /** Path and query as the client sent them, not what a mount has left of them (Express's `originalUrl`). */
  readonly url: string
  /** The part of the path that the host's router has already taken. Right behind it an endpoint needs no `/v1`. */
  readonly mount?: string | undefined
  /** Names in lower case, as Node gives them. */
  readonly headers: IncomingHttpHeaders
  /** The client's address, as the host trusts it. */
  readonly ip?: string | undefined
  readonly client: ClientConnection
  /** The host's own request or context, for `authenticate`: a session's user can be the caller. */
  readonly host?: unknown
  /** Its caller is whose key it brings: the host's session must not speak for it. */
  readonly ignoresHostSession?: boolean | undefined
  /** A body that the host's parser has taken off the wire already: the parsed object, its text or its bytes. */
  readonly parsedBody?: unknown
  /**
   * Reads the body, when and only when it is wanted: in one piece, or in those that it came in. `inPieces`: it will not be
   * joined.
   * @throws {RelayError} `too_large` as soon as more than `limit` bytes are announced or have come
   */
  read(limit: number, inPieces?: boolean): Promise<ByteChunks>
}

/** What an adapter gives back. Header names are in lower case and values are safe to send. */
export interface RelayResponse {
  readonly status: number
  readonly headers: Record<string, string>
  /** Whole bytes, or bytes as they come. Left out where there is none (HEAD). */
  readonly body?: Buffer | ByteStream
}

/** Bytes as they come. Whoever takes them must call `flow` once; the client's {@link ClientConnection} ends them early. */
export interface ByteStream {
  start(sink: ByteSink): void
  /** More is welcome again, after a `write` that returned false. */
  resume(): void
}

/** Where a stream's bytes go. */
export interface ByteSink {
  /** False asks for a pause, until {@link ByteStream.resume}. */
  write(bytes: Buffer): boolean
  end(): void
  /** The rest will not come, and there is no way to say so in the bytes: whoever has some must not take them for all. */
  abort(): void
}

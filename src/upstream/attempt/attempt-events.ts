import type { CallEnd } from '../../call.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import type { ByteStream } from '../../http.js'
import type { DeadlineTimer } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'

/** Consumes the body of an upstream's answer. */
export interface BodyConsumer {
  /** Returns false to pause the upstream. */
  write(chunk: Buffer): boolean
  end(): void
  /** The connection failed, or a timeout expired. */
  fail(error: RelayError): void
}

/** A committed answer on its way to the client. */
export interface ClientStream extends BodyConsumer, ByteStream {
  /** The client has disconnected: stop. */
  abandon(): void
  /** The client has disconnected: read on for the usage, and drop the bytes. */
  drain(): void
}

/** What a stream brought before its first output. */
export interface StreamPrelude {
  readonly usage: Usage | undefined
  /** Length in characters. Some upstreams repeat the whole request here. */
  readonly chars: number
}

/** How a committed answer ended. */
export interface AttemptEnd extends Pick<CallEnd, 'outcome' | 'usage' | 'refused' | 'error'> {
  /** Estimates the output tokens, where `usage` does not report them. Called only where something needs the number. */
  readonly estimate?: (() => number) | undefined
}

/** An attempt, as the consumers of its body see it. */
export interface AttemptEvents {
  /** The upstream's protocol. */
  readonly protocol: Protocol
  readonly deadlineTimer: DeadlineTimer
  /** The commit point: the answer goes to the client, and no other channel will be tried. Returns the stream for all further bytes. */
  commit(prelude: StreamPrelude): ClientStream
  /** The commit point of a whole answer where the client wants a stream. */
  commitBuffered(body: Buffer): void
  /** Fails the attempt before the commit point, so that failover can try another channel. */
  reject(error: RelayError): void
  /** The same, for an error inside an answer with a success status. */
  rejectWith(upstreamError: UpstreamError): void
  /** The upstream's error as the relay's own, for an answer past the commit point. */
  toRelayError(upstreamError: UpstreamError): RelayError
  /** Removes the upstream's credential from records. */
  redact(records: Buffer): Buffer
  /** The client can take more bytes. */
  resume(): void
  /** A committed answer is complete, but the upstream has not ended the response yet. */
  onAnswerComplete(end: AttemptEnd): void
  /** A committed answer has ended, completely or not. */
  onEnd(end: AttemptEnd): void
}

import type { CallEnd } from '../../call.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import type { DeadlineTimer } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { ClientStream } from '../stream/stream-output.js'

/** Takes an answer's body: whole, held back, or flowing. */
export interface BodyConsumer {
  /** False asks the upstream for a pause. */
  write(chunk: Buffer): boolean
  end(): void
  /** The connection failed, or time ran out. */
  fail(error: RelayError): void
}

/** What a stream said before its first output. */
export interface StreamPrelude {
  readonly usage: Usage | undefined
  /** How long it was, in characters. Some repeat all of the question in it. */
  readonly size: number
}

/** How a committed answer has ended. */
export interface AttemptEnd extends Pick<CallEnd, 'outcome' | 'usage' | 'refused' | 'error'> {
  /** About how many tokens were written, where `usage` does not say it. Only asked where it matters to somebody. */
  readonly estimate?: (() => number) | undefined
}

/** The attempt, as its intakes see it. */
export interface AttemptEvents {
  /** The upstream's language. */
  readonly protocol: Protocol
  readonly deadlineTimer: DeadlineTimer
  /** The answer has begun: no other channel will be tried. What follows goes where this says. */
  commit(preamble: StreamPrelude): ClientStream
  /** The same for a whole answer where a stream was asked for. */
  commitBuffered(body: Buffer): void
  /** This attempt has failed before its commit point. */
  reject(error: RelayError): void
  /** The same, for a fault that came under a status of success. */
  rejectWith(upstreamError: UpstreamError): void
  /** The same fault as an error, for an answer that is past its commit point. */
  toRelayError(upstreamError: UpstreamError): RelayError
  /** Records as the client may see them. */
  redact(records: Buffer): Buffer
  /** The client can take more. */
  resume(): void
  /** A committed answer has been told to its end, and the upstream has still to end it. */
  onAnswerComplete(end: AttemptEnd): void
  /** A committed answer is over, for better or worse. */
  onEnd(end: AttemptEnd): void
}

/** An answer beyond this is not held in memory for anyone. */
export const MAX_ANSWER_BYTES: number = 256 * 1024 * 1024

/** Collects a body up to a limit. Past it, or when the connection fails, there is none. */
export class BufferedBody implements BodyConsumer {
  readonly #limit: number
  readonly #done: (body: Buffer | undefined, error?: RelayError) => void
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(limit: number, done: (body: Buffer | undefined, error?: RelayError) => void) {
    this.#limit = limit
    this.#done = done
  }

  write(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size <= this.#limit) this.#chunks.push(chunk)
    else {
      this.#chunks.length = 0
      this.#done(undefined)
    }
    return true
  }

  end(): void {
    const [only] = this.#chunks
    this.#done(only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#size))
  }

  fail(error: RelayError): void {
    this.#done(undefined, error)
  }
}

import type { End } from '../call.js'
import type { Fault } from '../chat/fault.js'
import type { Usage } from '../chat/usage.js'
import type { RelayError } from '../errors.js'
import type { Alarms } from '../lib/time.js'
import type { Protocol } from '../protocols/protocol.js'
import type { Outflow } from './outlet.js'

/** Takes an answer's body: whole, held back, or flowing. */
export interface Intake {
  /** False asks the upstream for a pause. */
  take(chunk: Buffer): boolean
  end(): void
  /** The connection failed, or time ran out. */
  fail(error: RelayError): void
}

/** What a stream said before its first output. */
export interface Preamble {
  readonly usage: Usage | undefined
  /** How long it was, in characters. Some repeat all of the question in it. */
  readonly size: number
}

/** How a committed answer has ended. */
export interface Ended extends Pick<End, 'outcome' | 'usage' | 'refused' | 'error'> {
  /** About how many tokens were written, where `usage` does not say it. Only asked where it matters to somebody. */
  readonly estimate?: (() => number) | undefined
}

/** The attempt, as its intakes see it. */
export interface Answering {
  /** The upstream's language. */
  readonly protocol: Protocol
  readonly alarms: Alarms
  /** The answer has begun: no other channel will be tried. What follows goes where this says. */
  commit(preamble: Preamble): Outflow
  /** The same for a whole answer where a stream was asked for. */
  commitWhole(body: Buffer): void
  /** This attempt has failed before its commit point. */
  refuse(error: RelayError): void
  /** The same, for a fault that came under a status of success. */
  doubt(fault: Fault): void
  /** The same fault as an error, for an answer that is past its commit point. */
  errorOf(fault: Fault): RelayError
  /** Records as the client may see them. */
  redact(records: Buffer): Buffer
  /** The client can take more. */
  resume(): void
  /** A committed answer has been told to its end, and the upstream has still to end it. */
  finished(end: Ended): void
  /** A committed answer is over, for better or worse. */
  ended(end: Ended): void
}

/** An answer beyond this is not held in memory for anyone. */
export const LONGEST_ANSWER: number = 256 * 1024 * 1024

/** Collects a body up to a limit. Past it, or when the connection fails, there is none. */
export class Whole implements Intake {
  readonly #limit: number
  readonly #done: (body: Buffer | undefined, error?: RelayError) => void
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(limit: number, done: (body: Buffer | undefined, error?: RelayError) => void) {
    this.#limit = limit
    this.#done = done
  }

  take(chunk: Buffer): boolean {
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

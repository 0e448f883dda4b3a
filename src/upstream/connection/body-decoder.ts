import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { RelayError } from '../../errors.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'
import { unreadable } from '../attempt/failures.js'

const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/** Stands before an intake when an upstream compresses although it was asked not to. */
export class BodyDecoder implements BodyConsumer {
  readonly #stream: Transform | undefined
  #into: BodyConsumer

  constructor(encoding: string, into: BodyConsumer, resumeUpstream: () => void) {
    this.#into = into
    this.#stream = DECODERS.get(encoding)?.()
    this.#stream?.on('data', (bytes: Buffer) => this.#guarded(() => this.#pass(bytes)))
    this.#stream?.on('drain', resumeUpstream)
    this.#stream?.on('end', () => this.#guarded(() => this.#into.end()))
    this.#stream?.on('error', (cause) => this.fail(this.#broken(cause)))
  }

  /** What follows goes to another intake. */
  redirect(intake: BodyConsumer): void {
    this.#into = intake
  }

  write(chunk: Buffer): boolean {
    if (this.#stream) return this.#stream.write(chunk)
    this.fail(this.#broken())
    return true
  }

  end(): void {
    if (this.#stream) this.#stream.end()
    else this.fail(this.#broken())
  }

  fail(error: RelayError): void {
    this.#stream?.destroy()
    this.#into.fail(error)
  }

  /** Nothing more is wanted: what is packed in the rest stays packed. */
  stop(): void {
    this.#stream?.removeAllListeners('data').destroy()
  }

  resume(): void {
    this.#stream?.resume()
  }

  #pass(bytes: Buffer): void {
    if (!this.#into.write(bytes)) this.#stream?.pause()
  }

  /** What is thrown in a stream's event would end the process. */
  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(unreadable(error))
    }
  }

  #broken(cause?: Error): RelayError {
    return new RelayError('upstream_invalid', 'The provider compressed its answer in a way that cannot be read.', {
      cause,
    })
  }
}

import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { RelayError } from '../../errors.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'
import { toAnswerError } from '../attempt/failures.js'

const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/** Decompresses a body for its consumer. Upstreams are asked not to compress, but some do. */
export class BodyDecoder implements BodyConsumer {
  readonly #stream: Transform | undefined
  #consumer: BodyConsumer

  constructor(encoding: string, consumer: BodyConsumer, resumeUpstream: () => void) {
    this.#consumer = consumer
    this.#stream = DECODERS.get(encoding)?.()
    this.#stream?.on('data', (bytes: Buffer) => this.#guard(() => this.#pass(bytes)))
    this.#stream?.on('drain', resumeUpstream)
    this.#stream?.on('end', () => this.#guard(() => this.#consumer.end()))
    this.#stream?.on('error', (cause) => this.fail(this.#invalidEncoding(cause)))
  }

  /** Passes all further bytes to another consumer. */
  redirect(consumer: BodyConsumer): void {
    this.#consumer = consumer
  }

  write(chunk: Buffer): boolean {
    if (this.#stream) return this.#stream.write(chunk)
    this.fail(this.#invalidEncoding())
    return true
  }

  end(): void {
    if (this.#stream) this.#stream.end()
    else this.fail(this.#invalidEncoding())
  }

  fail(error: RelayError): void {
    this.#stream?.destroy()
    this.#consumer.fail(error)
  }

  /** Stops decompressing. */
  stop(): void {
    this.#stream?.removeAllListeners('data').destroy()
  }

  resume(): void {
    this.#stream?.resume()
  }

  #pass(bytes: Buffer): void {
    if (!this.#consumer.write(bytes)) this.#stream?.pause()
  }

  /** An exception in a stream's event handler would end the process. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(toAnswerError(error))
    }
  }

  #invalidEncoding(cause?: Error): RelayError {
    return new RelayError('upstream_invalid', 'The provider compressed its answer in a way that cannot be read.', {
      cause,
    })
  }
}

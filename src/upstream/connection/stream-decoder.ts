import { RelayError } from '../../errors.js'
import type { StreamFormat } from '../../providers/request-format.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'

/** Converts a stream of another framing to server-sent events. */
export class StreamDecoder implements BodyConsumer {
  readonly #decode: ReturnType<StreamFormat['createDecoder']>
  #consumer: BodyConsumer

  constructor(format: StreamFormat, consumer: BodyConsumer) {
    this.#decode = format.createDecoder()
    this.#consumer = consumer
  }

  /** Passes all further bytes to another consumer. */
  redirect(consumer: BodyConsumer): void {
    this.#consumer = consumer
  }

  write(chunk: Buffer): boolean {
    let records = ''
    try {
      for (const record of this.#decode(chunk)) records += record
    } catch (cause) {
      // The records before the damaged one are still valid.
      this.#pass(records)
      this.fail(new RelayError('upstream_invalid', 'The provider sent a damaged stream.', { cause }))
      return true
    }
    return this.#pass(records)
  }

  end(): void {
    this.#consumer.end()
  }

  fail(error: RelayError): void {
    this.#consumer.fail(error)
  }

  #pass(records: string): boolean {
    return records === '' || this.#consumer.write(Buffer.from(records))
  }
}

import { RelayError } from '../../errors.js'
import type { StreamFormat } from '../../providers/request-format.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'

/** Stands before an intake where a stream is not framed as server-sent events. */
export class StreamDecoder implements BodyConsumer {
  readonly #read: ReturnType<StreamFormat['createDecoder']>
  #into: BodyConsumer

  constructor(unframing: StreamFormat, into: BodyConsumer) {
    this.#read = unframing.createDecoder()
    this.#into = into
  }

  /** What follows goes to another intake. */
  redirect(intake: BodyConsumer): void {
    this.#into = intake
  }

  write(chunk: Buffer): boolean {
    let records = ''
    try {
      for (const record of this.#read(chunk)) records += record
    } catch (cause) {
      // What came before the damage is as good as ever.
      this.#pass(records)
      this.fail(new RelayError('upstream_invalid', 'The provider gave a stream that is damaged.', { cause }))
      return true
    }
    return this.#pass(records)
  }

  end(): void {
    this.#into.end()
  }

  fail(error: RelayError): void {
    this.#into.fail(error)
  }

  #pass(records: string): boolean {
    return records === '' || this.#into.write(Buffer.from(records))
  }
}

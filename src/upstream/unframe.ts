import { RelayError } from '../errors.js'
import type { Unframing } from '../providers/envelope.js'
import type { Intake } from './intake.js'

/** Stands before an intake where a stream is not framed as server-sent events. */
export class Unframer implements Intake {
  readonly #read: ReturnType<Unframing['begin']>
  #into: Intake

  constructor(unframing: Unframing, into: Intake) {
    this.#read = unframing.begin()
    this.#into = into
  }

  /** What follows goes to another intake. */
  into(intake: Intake): void {
    this.#into = intake
  }

  take(chunk: Buffer): boolean {
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
    return records === '' || this.#into.take(Buffer.from(records))
  }
}

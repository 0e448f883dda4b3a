import { Duplex } from 'node:stream'

/** Who holds the client's own socket. */
export interface Joined {
  /** The provider takes more. */
  wanted(): void
  /** The provider's next bytes. `taken` is called when more is welcome. */
  brought(chunk: Buffer, taken: () => void): void
  /** The provider says no more. */
  providerLeft(junction: Junction): void
}

/** The client as http-proxy-3 sees it: what it reads has been looked at, and what it writes will be. */
export class Junction extends Duplex {
  readonly #line: Joined

  constructor(line: Joined) {
    super()
    this.#line = line
    this.on('error', () => undefined)
  }

  override _read(): void {
    this.#line.wanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#line.brought(chunk, done)
  }

  override _final(done: () => void): void {
    this.#line.providerLeft(this)
    done()
  }

  /** How http-proxy-3 ends a socket's client when its provider has failed. */
  destroySoon(): void {
    this.#line.providerLeft(this)
    this.destroy()
  }

  /** The line has set this for the client's own socket. */
  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }
}

import { Duplex } from 'node:stream'

/**
 * Stands for the client while http-proxy-3 shakes hands: what is written here is the answer to the client's handshake. After
 * that both ends are held by the line itself, since a stream between them would cost more than all else.
 */
export class HandshakeSocket extends Duplex {
  readonly #client: Pick<Duplex, 'write'>

  constructor(client: Pick<Duplex, 'write'>) {
    super()
    this.#client = client
    this.on('error', () => undefined)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#client.write(chunk)
    done()
  }

  /** How http-proxy-3 ends a client whose provider has failed. */
  destroySoon(): void {
    this.destroy()
  }

  /** What http-proxy-3 asks of sockets is done for the client's own by the line. */
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

import { Duplex } from 'node:stream'

/**
 * Stands in for the client's socket during http-proxy-3's handshake. It passes the handshake's response on to the client.
 * After the handshake the tunnel reads and writes both sockets itself, because a stream between them would cost more than
 * all other work.
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

  /** http-proxy-3 calls this when the provider fails. */
  destroySoon(): void {
    this.destroy()
  }

  // http-proxy-3 calls these. The tunnel configures the client's own socket.

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

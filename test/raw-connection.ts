import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A TCP connection for raw bytes. */
export interface RawConnection {
  readonly socket: Socket
  /** The bytes received so far, as Latin-1. */
  text(): string
  /** Resolves with all received bytes when the connection closes. */
  readonly closed: Promise<string>
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const text = (): string => Buffer.concat(chunks).toString('latin1')
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text())))
  await once(socket, 'connect')
  return { socket, text, closed }
}

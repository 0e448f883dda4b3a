import type { ByteSink, RelayResponse } from '../src/index.js'
import type { NodeRequest, NodeResponse } from './node-request.js'

/** Writes an answer: whole in one piece, or as it comes and as fast as the client takes it. */
export function send(req: NodeRequest, res: NodeResponse, { status, headers, body }: RelayResponse): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (!req.complete) linger(req, res)
  res.writeHead(status, headers)
  if (body === undefined || req.method === 'HEAD') res.end()
  else if (Buffer.isBuffer(body)) res.end(body)
  else {
    res.on('drain', () => body.resume())
    body.start(sinkOf(res))
  }
}

function sinkOf(res: NodeResponse): ByteSink {
  // The `compression` middleware puts a `flush` of its own on the response; Node's own is another thing.
  const flush = Object.hasOwn(res, 'flush') && 'flush' in res && typeof res.flush === 'function' ? res.flush : undefined
  const write: Write = res.write.bind(res)
  return {
    write(bytes) {
      const more = write(bytes)
      flush?.call(res)
      return more
    },
    end: () => void res.end(),
    abort: () => void res.destroy(),
  }
}

/** How long a socket that is done with may stay. */
export const LINGER_MS = 1000
const LINGER_BYTES = 1024 * 1024

/**
 * An answer before the body's end, as to a wrong key: closing at once would reset the connection and lose the answer,
 * and reading to the end would let a stranger send for ever. So a little more is read, and thrown away.
 */
function linger(req: NodeRequest, res: NodeResponse): void {
  let size = 0
  const close = (): void => void req.socket?.destroy()
  res.on('finish', () => {
    if (req.complete) return
    const timer = setTimeout(close, LINGER_MS)
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > LINGER_BYTES) close()
    })
    req.on('error', ignore)
    req.on('close', () => clearTimeout(timer))
    req.on('end', () => clearTimeout(timer))
    req.resume()
  })
}

/** For errors that are told by another event as well. */
export function ignore(): void {}

/** Where both kinds of response agree, for bytes. */
type Write = (bytes: Buffer) => boolean

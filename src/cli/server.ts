import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
// The command line is a host like a user's app, so it may import adapters. Nothing else under src/ may.
import { attachRelay, nodeRelay, upgradeRelay } from '../../adapters/node.js'
import { passthroughRelay } from '../../adapters/passthrough.js'
import type { Relay } from '../index.js'
import { errorCodeOf } from '../lib/error-code.js'
import { CommandError } from './command.js'

/** A server for one relay. */
export interface RelayServer {
  /** The port that it listens on, even if port 0 was requested. */
  readonly port: number
  /** Accepts no more connections, lets running calls finish as the relay allows, then closes all connections. */
  close(): Promise<void>
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void

/**
 * Serves a relay, with `/healthz` and `/readyz`.
 *
 * @throws {CommandError} when it cannot listen on the address
 */
export async function startServer(relay: Relay, port: number, host: string): Promise<RelayServer> {
  const state = { isClosing: false }
  const [forward, answer] = [passthroughRelay(relay), nodeRelay(relay)]
  const listener = withHealthEndpoints((req, res) => forward(req, res, () => answer(req, res)), state)
  const server = createServer(listener)
  // Also handles "Expect: 100-continue": a client with a wrong key is refused before it sends the body.
  attachRelay(server, relay)
  server.on('upgrade', upgradeRelay(relay))
  await listen(server, port, host)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close() {
      state.isClosing = true
      return close(server, relay)
    },
  }
}

/** `/healthz` shows that the process is alive, `/readyz` whether it accepts calls. Neither needs a key. */
function withHealthEndpoints(next: Listener, state: { readonly isClosing: boolean }): Listener {
  return (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next(req, res)
    const path = req.url?.split('?', 1)[0]
    if (path === '/healthz') sendStatus(res, 200, 'ok')
    else if (path === '/readyz') sendStatus(res, state.isClosing ? 503 : 200, state.isClosing ? 'closing' : 'ok')
    else next(req, res)
  }
}

function sendStatus(res: ServerResponse, statusCode: number, status: string): void {
  const body = JSON.stringify({ status })
  res.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  })
  res.end(body)
}

const LISTEN_ERRORS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is in use: choose another with --port or PORT'],
  ['EACCES', 'this user may not use the port: choose another with --port or PORT'],
  ['EADDRNOTAVAIL', 'this machine does not have the address: choose another with --host or HOST'],
  ['ENOTFOUND', 'the host name is unknown: choose another with --host or HOST'],
])

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = errorCodeOf(error)
      reject(new CommandError(`cannot listen on ${host}:${port}: ${LISTEN_ERRORS.get(code) ?? code}`))
    })
    server.listen(port, host, resolve)
  })
}

const IDLE_CHECK_MS = 50
/** How long a complete answer may take to reach a slow client. */
const FLUSH_TIMEOUT_MS = 2000

async function close(server: Server, relay: Relay): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  // Node closes only connections that are idle now. It keeps a connection open that becomes idle later.
  const idleCheck = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  await relay.close()
  const flushTimeout = setTimeout(() => server.closeAllConnections(), FLUSH_TIMEOUT_MS)
  await closed
  clearTimeout(flushTimeout)
  clearInterval(idleCheck)
}

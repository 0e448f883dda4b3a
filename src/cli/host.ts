import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
// The command line is a host like a user's app, so it stands above the adapters; nothing else under src/ may import one.
import { attachRelay, nodeRelay, upgradeRelay } from '../../adapters/node.js'
import { passthroughRelay } from '../../adapters/passthrough.js'
import type { Relay } from '../index.js'
import { codeOf } from '../lib/codes.js'
import { Refusal } from './refusal.js'

/** A relay with a server of its own. */
export interface Host {
  /** The port it listens on: the real one where 0 was asked for. */
  readonly port: number
  /** Takes no more connections, lets running answers finish as the relay allows, then closes what is left. */
  close(): Promise<void>
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** Serves a relay, with `/healthz` and `/readyz` beside it. @throws {Refusal} if the address is not to be had */
export async function startHost(relay: Relay, port: number, host: string): Promise<Host> {
  const state = { closing: false }
  const [forward, answer] = [passthroughRelay(relay), nodeRelay(relay)]
  const listener = withHealth((req, res) => forward(req, res, () => answer(req, res)), state)
  const server = createServer(listener)
  // Also for "Expect: 100-continue": a wrong key is then refused before the body is sent.
  attachRelay(server, relay)
  server.on('upgrade', upgradeRelay(relay))
  await listen(server, port, host)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close() {
      state.closing = true
      return close(server, relay)
    },
  }
}

/** `/healthz` says that the process lives, `/readyz` whether it takes calls. Neither asks for a key. */
function withHealth(next: Listener, state: { readonly closing: boolean }): Listener {
  return (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next(req, res)
    const path = req.url?.split('?', 1)[0]
    if (path === '/healthz') tell(res, 200, 'ok')
    else if (path === '/readyz') tell(res, state.closing ? 503 : 200, state.closing ? 'closing' : 'ok')
    else next(req, res)
  }
}

function tell(res: ServerResponse, status: number, word: string): void {
  const body = JSON.stringify({ status: word })
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  })
  res.end(body)
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is in use; choose another with --port'],
  ['EACCES', 'this user may not listen there'],
  ['EADDRNOTAVAIL', 'no such address on this machine'],
  ['ENOTFOUND', 'no such host'],
])

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = codeOf(error)
      reject(new Refusal(`cannot listen on ${host}:${port}: ${REASONS.get(code) ?? code}`))
    })
    server.listen(port, host, resolve)
  })
}

const SWEEP_MS = 50
/** An answer that is whole may still be on its way to a slow client. */
const LAST_BYTES_MS = 2000

async function close(server: Server, relay: Relay): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  // Node closes only those connections that are idle now, and keeps one whose answer ends later open for the next request.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  await relay.close()
  const last = setTimeout(() => server.closeAllConnections(), LAST_BYTES_MS)
  await closed
  clearTimeout(last)
  clearInterval(sweep)
}

import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** A proxy on a real socket that opens tunnels by `CONNECT`, as proxies of companies do. */
export interface ConnectProxy {
  /** `127.0.0.1:PORT` */
  readonly address: string
  /** What clients said to the proxy itself: one entry per request, with head and target. */
  readonly seen: readonly ProxyRequest[]
  close(): Promise<void>
}

export interface ProxyRequest {
  /** `CONNECT api.example:443` */
  readonly line: string
  readonly headers: IncomingMessage['headers']
}

/**
 * Starts a proxy. All tunnels lead to one port of this machine, whatever name the client asked for: so a test may use
 * names that no DNS knows, and an answer proves that the proxy was used.
 */
export async function startConnectProxy(targetPort: number, status = 200): Promise<ConnectProxy> {
  const seen: ProxyRequest[] = []
  const sockets = new Set<Socket>()
  const record = ({ method, url, headers }: IncomingMessage): void => {
    seen.push({ line: `${method} ${url}`, headers })
  }
  const server = createServer((req, res) => {
    record(req)
    res.writeHead(405).end()
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.on('connect', (req: IncomingMessage, client: Socket) => {
    record(req)
    if (status !== 200) return void client.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const target = connect(targetPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(client)
      client.pipe(target)
    })
    sockets.add(target)
    target.on('error', () => client.destroy())
    client.on('error', () => target.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

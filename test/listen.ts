import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A relay that can be called. */
export interface Mounted {
  /** Includes `/v1`, as SDKs require. */
  readonly baseURL: string
  /** Sends requests to it: over the network, in process, or over HTTP/2. */
  readonly fetch: typeof fetch
  readonly close: () => Promise<void>
}

/** Listens on a free port of this machine. */
export async function listen(server: Server, path = '/v1'): Promise<Mounted & { readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}${path}`,
    port,
    fetch,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

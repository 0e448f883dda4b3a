import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from '../../src/stores/redis/client.js'

/** A client of a test, connected. */
export interface OpenedClient {
  readonly client: RedisClient
  close(): Promise<void>
}

/** The two clients that hosts use. */
export const redisClients: readonly (readonly [name: string, open: (url: string) => Promise<OpenedClient>])[] = [
  ['ioredis', openIoredis],
  ['node-redis', openNodeRedis],
]

/** Also for what does not depend on the client. */
export async function openIoredis(url: string): Promise<OpenedClient & { readonly client: Redis }> {
  const client = new Redis(url, { retryStrategy: () => 50 })
  // A server that is stopped for a test is no fault.
  client.on('error', () => {})
  await client.ping()
  return { client, close: async () => client.disconnect() }
}

async function openNodeRedis(url: string): Promise<OpenedClient> {
  const client = createClient({ url, socket: { reconnectStrategy: 50 } })
  client.on('error', () => {})
  await client.connect()
  return { client, close: async () => client.destroy() }
}

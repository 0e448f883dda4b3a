import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from '../../src/stores/redis/client.js'

/** A connected client. */
export interface OpenedClient {
  readonly client: RedisClient
  close(): Promise<void>
}

/** Both supported client packages. */
export const redisClients: readonly (readonly [name: string, open: (url: string) => Promise<OpenedClient>])[] = [
  ['ioredis', openIoredis],
  ['node-redis', openNodeRedis],
]

/** For tests that do not depend on the client package. */
export async function openIoredis(url: string): Promise<OpenedClient & { readonly client: Redis }> {
  const client = new Redis(url, { retryStrategy: () => 50 })
  // Some tests stop the server.
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

import { createHash } from 'node:crypto'

/** The part of ioredis that the relay uses. Its `Redis` and its `Cluster` have it. */
export interface IoredisLike {
  call(command: string, ...args: string[]): Promise<unknown>
}

/**
 * The part of node-redis that the relay uses. Its cluster needs a wrapper, because it takes the key as an argument of
 * its own.
 */
export interface NodeRedisLike {
  sendCommand(args: string[]): Promise<unknown>
}

/** A connected client of ioredis or node-redis. The host creates it and closes it. */
export type RedisClient = IoredisLike | NodeRedisLike

/** Sends one command: its name and its arguments. */
export type SendCommand = (args: string[]) => Promise<unknown>

/** Options of all stores in Redis. */
export interface RedisOptions {
  /** Prefix of all keys. Braces keep all keys in one slot of a cluster. Default: `{modelmount}:`. */
  readonly prefix?: string | undefined
}

/** How a store sends its commands, and the prefix of its keys. */
export interface RedisConnection {
  readonly send: SendCommand
  readonly prefix: string
}

const DEFAULT_PREFIX = '{modelmount}:'

export function createConnection(client: RedisClient, { prefix = DEFAULT_PREFIX }: RedisOptions): RedisConnection {
  return { send: commandSender(client), prefix }
}

function commandSender(client: RedisClient): SendCommand {
  // ioredis also has a `sendCommand`, with another signature. So `call` comes first.
  if ('call' in client) return ([command = '', ...args]) => client.call(command, ...args)
  return (args) => client.sendCommand(args)
}

/** A Lua script, which Redis runs as one atomic step. */
export type RedisScript = (send: SendCommand, keys: readonly string[], args: readonly string[]) => Promise<unknown>

/** Sends the script's digest. Sends its text only if the server does not know it, for example after a restart. */
export function createScript(text: string): RedisScript {
  const digest = createHash('sha1').update(text).digest('hex')
  return async (send, keys, args) => {
    const scriptArgs = [String(keys.length), ...keys, ...args]
    try {
      return await send(['EVALSHA', digest, ...scriptArgs])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return send(['EVAL', text, ...scriptArgs])
    }
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

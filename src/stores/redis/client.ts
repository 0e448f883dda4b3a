import { createHash } from 'node:crypto'

/** As much of ioredis as is used. Its `Redis` and its `Cluster` are such. */
export interface IoredisLike {
  call(command: string, ...args: string[]): Promise<unknown>
}

/** As much of node-redis as is used. Its cluster wants the key apart: it needs a function of this shape around it. */
export interface NodeRedisLike {
  sendCommand(args: string[]): Promise<unknown>
}

/** A connected client that the host has made, and closes. */
export type RedisClient = IoredisLike | NodeRedisLike

/** Sends one command, as its words. */
export type Send = (args: string[]) => Promise<unknown>

/** What all stores in Redis are told. */
export interface RedisOptions {
  /** Stands before each key. Braces keep all of them in one slot of a cluster. `{modelmount}:` when left out. */
  readonly prefix?: string | undefined
}

/** Where a store sends its commands, and what its keys begin with. */
export interface Connection {
  readonly send: Send
  readonly prefix: string
}

const DEFAULT_PREFIX = '{modelmount}:'

/** Both clients in one shape. */
export function connectionOf(client: RedisClient, { prefix = DEFAULT_PREFIX }: RedisOptions): Connection {
  return { send: senderOf(client), prefix }
}

/** A client's way to send any command. */
export function senderOf(client: RedisClient): Send {
  // ioredis has a `sendCommand` too, of another kind: so its own name is looked for first.
  if ('call' in client) return ([command = '', ...args]) => client.call(command, ...args)
  return (args) => client.sendCommand(args)
}

/** A Lua script that runs as one atomic step. */
export type Script = (send: Send, keys: readonly string[], args: readonly string[]) => Promise<unknown>

/** A script is sent as its digest. A server that does not know it, as after a restart, gets the text. */
export function scriptOf(text: string): Script {
  const digest = createHash('sha1').update(text).digest('hex')
  return async (send, keys, args) => {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await send(['EVALSHA', digest, ...rest])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return send(['EVAL', text, ...rest])
    }
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

import { isObject, parseJson } from '../../lib/values.js'
import type { AnswerStore, CachedAnswer } from '../answers.js'
import { createConnection, type RedisClient, type RedisConnection, type RedisOptions } from './client.js'

/** Answers that several processes share. Redis' own `maxmemory` bounds their number. */
export class RedisAnswerStore implements AnswerStore {
  readonly #connection: RedisConnection

  constructor(client: RedisClient, options: RedisOptions = {}) {
    this.#connection = createConnection(client, options)
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    const text = await this.#connection.send(['GET', this.#key(key)])
    return typeof text === 'string' ? deserialize(text) : undefined
  }

  async set(key: string, answer: CachedAnswer, ttlMs: number): Promise<void> {
    if (!(ttlMs > 0)) return
    await this.#connection.send(['SET', this.#key(key), serialize(answer), 'PX', String(Math.ceil(ttlMs))])
  }

  #key(key: string): string {
    return `${this.#connection.prefix}answer:${key}`
  }
}

/** One line of JSON, then one line of Base64 for each chunk: by default, both clients read and write text. */
function serialize({ chunks, ...head }: CachedAnswer): string {
  return [JSON.stringify(head), ...chunks.map((chunk) => chunk.toString('base64'))].join('\n')
}

/** Undefined for text that {@link serialize} has not written. */
function deserialize(text: string): CachedAnswer | undefined {
  const [line = '', ...encodedChunks] = text.split('\n')
  const head = parseJson(line)
  if (!isObject(head) || typeof head.status !== 'number') return undefined
  const { times, ...fields } = head as unknown as Omit<CachedAnswer, 'chunks'>
  return { ...fields, times, chunks: encodedChunks.map((chunk) => Buffer.from(chunk, 'base64')) }
}

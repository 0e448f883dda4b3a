import { isObject, parseJson } from '../../lib/values.js'
import type { AnswerStore, CachedAnswer } from '../answers.js'
import { type Connection, connectionOf, type RedisClient, type RedisOptions } from './client.js'

/** Answers that many processes share, each until its time is over. How many there may be is up to Redis' `maxmemory`. */
export class RedisAnswers implements AnswerStore {
  readonly #connection: Connection

  constructor(client: RedisClient, options: RedisOptions = {}) {
    this.#connection = connectionOf(client, options)
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    const text = await this.#connection.send(['GET', this.#key(key)])
    return typeof text === 'string' ? read(text) : undefined
  }

  async set(key: string, answer: CachedAnswer, ms: number): Promise<void> {
    if (!(ms > 0)) return
    await this.#connection.send(['SET', this.#key(key), write(answer), 'PX', String(Math.ceil(ms))])
  }

  #key(key: string): string {
    return `${this.#connection.prefix}answer:${key}`
  }
}

/** A line of JSON, then a line of base64 for each piece: both clients take and give text by default. */
function write({ pieces, ...about }: CachedAnswer): string {
  return [JSON.stringify(about), ...pieces.map((piece) => piece.toString('base64'))].join('\n')
}

/** Undefined where somebody else has written. */
function read(text: string): CachedAnswer | undefined {
  const [line = '', ...pieces] = text.split('\n')
  const about = parseJson(line)
  if (!isObject(about) || typeof about.status !== 'number') return undefined
  const { times, ...rest } = about as unknown as Omit<CachedAnswer, 'pieces'>
  return { ...rest, times, pieces: pieces.map((piece) => Buffer.from(piece, 'base64')) }
}

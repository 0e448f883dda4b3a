import type { Cooldown, CooldownStore } from '../cooldowns.js'
import {
  createConnection,
  createScript,
  type RedisClient,
  type RedisConnection,
  type RedisOptions,
  type RedisScript,
} from './client.js'

/**
 * One hash has all cooldowns, each by its name: the time of its end, its length, and its kind. Times are the
 * server's, in whole ms.
 */
const writeFunction = `
local clock = redis.call('TIME')
local now = math.floor(clock[1] * 1000 + clock[2] / 1000)

local function write(name, ms, kind)
  redis.call('HSET', KEYS[1], name, string.format('%.0f %.0f %s', now + ms, ms, kind))
  if redis.call('PTTL', KEYS[1]) < tonumber(ms) then redis.call('PEXPIRE', KEYS[1], ms) end
end
`

/** ARGV: name, length in ms, kind. */
const putScript: RedisScript = createScript(`${writeFunction}
write(ARGV[1], ARGV[2], ARGV[3])
`)

/** Returns name, kind and remaining ms of each cooldown, one after the other. Deletes cooldowns that are over. */
const listScript: RedisScript = createScript(`${writeFunction}
local found = {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local untilTime, ms, kind = string.match(fields[index + 1], '(%S+) (%S+) (%S+)')
  local remaining = untilTime - now
  -- If the server's clock has gone back, no cooldown becomes longer than it was.
  if remaining > tonumber(ms) then
    remaining = tonumber(ms)
    write(fields[index], ms, kind)
  end
  if remaining <= 0 then
    redis.call('HDEL', KEYS[1], fields[index])
  else
    found[#found + 1] = fields[index]
    found[#found + 1] = kind
    found[#found + 1] = string.format('%.0f', remaining)
  end
end
return found
`)

/** The words that Redis keeps for each kind. */
const STORED_KINDS: Readonly<Record<Cooldown['kind'], string>> = { failure: 'rest', 'rate-limit': 'pause' }

/** Cooldowns that several processes share. Of two for the same name, the later one counts. */
export class RedisCooldowns implements CooldownStore {
  readonly #connection: RedisConnection

  constructor(client: RedisClient, options: RedisOptions = {}) {
    this.#connection = createConnection(client, options)
  }

  async put({ name, kind, ms }: Cooldown): Promise<void> {
    if (!(ms > 0)) return
    await putScript(this.#connection.send, [this.#key], [name, String(Math.ceil(ms)), STORED_KINDS[kind]])
  }

  async remove(name: string): Promise<void> {
    await this.#connection.send(['HDEL', this.#key, name])
  }

  async list(): Promise<readonly Cooldown[]> {
    const reply = await listScript(this.#connection.send, [this.#key], [])
    if (!Array.isArray(reply)) return []
    const cooldowns: Cooldown[] = []
    for (let index = 0; index < reply.length; index += 3) {
      const kind = reply[index + 1] === STORED_KINDS['rate-limit'] ? 'rate-limit' : 'failure'
      cooldowns.push({ name: reply[index], kind, ms: Number(reply[index + 2]) })
    }
    return cooldowns
  }

  get #key(): string {
    return `${this.#connection.prefix}rests`
  }
}

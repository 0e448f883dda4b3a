import type { Cooldown, CooldownStore } from '../cooldowns.js'
import { type Connection, connectionOf, type RedisClient, type RedisOptions, type Script, scriptOf } from './client.js'

/** One hash has all: by name until when, for how long, and the kind. Times are the server's, in whole ms. */
const clockScript = `
local clock = redis.call('TIME')
local now = math.floor(clock[1] * 1000 + clock[2] / 1000)

local function write(name, ms, kind)
  redis.call('HSET', KEYS[1], name, string.format('%.0f %.0f %s', now + ms, ms, kind))
  if redis.call('PTTL', KEYS[1]) < tonumber(ms) then redis.call('PEXPIRE', KEYS[1], ms) end
end
`

const putScript: Script = scriptOf(`${clockScript}
write(ARGV[1], ARGV[2], ARGV[3])
`)

const listScript: Script = scriptOf(`${clockScript}
local found = {}
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  local untilTime, ms, kind = string.match(fields[at + 1], '(%S+) (%S+) (%S+)')
  local left = untilTime - now
  -- The server's clock has gone back: no rest is longer for it.
  if left > tonumber(ms) then
    left = tonumber(ms)
    write(fields[at], ms, kind)
  end
  if left <= 0 then
    redis.call('HDEL', KEYS[1], fields[at])
  else
    found[#found + 1] = fields[at]
    found[#found + 1] = kind
    found[#found + 1] = string.format('%.0f', left)
  end
end
return found
`)

/** What rests, as all processes have found it. Of one name, the last word counts. */
export class RedisCooldowns implements CooldownStore {
  readonly #connection: Connection

  constructor(client: RedisClient, options: RedisOptions = {}) {
    this.#connection = connectionOf(client, options)
  }

  async put({ name, kind, ms }: Cooldown): Promise<void> {
    if (!(ms > 0)) return
    await putScript(this.#connection.send, [this.#key], [name, String(Math.ceil(ms)), kind])
  }

  async remove(name: string): Promise<void> {
    await this.#connection.send(['HDEL', this.#key, name])
  }

  async list(): Promise<readonly Cooldown[]> {
    const words = await listScript(this.#connection.send, [this.#key], [])
    if (!Array.isArray(words)) return []
    const rests: Cooldown[] = []
    for (let at = 0; at < words.length; at += 3) {
      rests.push({ name: words[at], kind: words[at + 1], ms: Number(words[at + 2]) })
    }
    return rests
  }

  get #key(): string {
    return `${this.#connection.prefix}rests`
  }
}

import { type Script, scriptOf } from './client.js'
import { LAPSED, leaseScript } from './process-lease.js'

/*
 * All scripts have one of KEYS, the leases; the other keys begin like it. `account:…` has what is spent and held,
 * `hold:<id>` the process that has the hold, or that it is settled, and `holds:<process>` what it consists of, as
 * `{ nanos, accounts }`. Money goes from word to word: Lua would round it in writing.
 */
const holdScript = `
local base = string.sub(KEYS[1], 1, -1 - #'processes')

local function add(accounts, field, sign, nanos)
  if nanos == '0' then return end
  for _, account in ipairs(accounts) do redis.call('HINCRBY', base .. 'account:' .. account, field, sign .. nanos) end
end

local function hold(process, id, details)
  local made = cjson.decode(details)
  add(made.accounts, 'held', '', made.nanos)
  redis.call('HSET', base .. 'holds:' .. process, id, details)
  redis.call('SET', base .. 'hold:' .. id, process)
end

local function letGo(process, id)
  local details = redis.call('HGET', base .. 'holds:' .. process, id)
  if not details then return end
  local made = cjson.decode(details)
  add(made.accounts, 'held', '-', made.nanos)
  redis.call('HDEL', base .. 'holds:' .. process, id)
  redis.call('DEL', base .. 'hold:' .. id)
end

local function letAllGo(process)
  for _, id in ipairs(redis.call('HKEYS', base .. 'holds:' .. process)) do letGo(process, id) end
  redis.call('ZREM', KEYS[1], process)
end
`

/**
 * ARGV: process, whether to renew its lease, hold, its details, how long until dead processes are looked for again, then
 * each credit. Answers which credit does not suffice, or 0.
 */
export const reserveScript: Script = scriptOf(`${leaseScript}${holdScript}
if not isAlive(ARGV[1]) then return '${LAPSED}' end
if ARGV[2] == '1' then renew(ARGV[1]) end

if redis.call('SET', base .. 'swept', '1', 'NX', 'PX', ARGV[5]) then
  for _, process in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if not isAlive(process) then letAllGo(process) end
  end
end

if redis.call('EXISTS', base .. 'hold:' .. ARGV[3]) == 1 then return 0 end
local made = cjson.decode(ARGV[4])
for index, account in ipairs(made.accounts) do
  local stand = redis.call('HMGET', base .. 'account:' .. account, 'spent', 'held')
  if tonumber(made.nanos) > ARGV[5 + index] - (stand[1] or 0) - (stand[2] or 0) then return index end
end
hold(ARGV[1], ARGV[3], ARGV[4])
return 0
`)

/** ARGV: hold, its details, nanos to charge. That it is settled is known for a day. */
export const settleScript: Script = scriptOf(`${holdScript}
local holder = redis.call('GET', base .. 'hold:' .. ARGV[1])
if holder == 'settled' then return end
if holder then letGo(holder, ARGV[1]) end
add(cjson.decode(ARGV[2]).accounts, 'spent', '', ARGV[3])
redis.call('SET', base .. 'hold:' .. ARGV[1], 'settled', 'PX', 86400000)
`)

/** ARGV: process, hold. As if it had never been taken. */
export const letGoScript: Script = scriptOf(`${holdScript}
letGo(ARGV[1], ARGV[2])
`)

/** ARGV: process, then its holds, each with its details. Those that were let go while it seemed dead are taken again. */
export const reviveScript: Script = scriptOf(`${leaseScript}${holdScript}
if isAlive(ARGV[1]) then return end
renew(ARGV[1])
for at = 2, #ARGV, 2 do
  if redis.call('EXISTS', base .. 'hold:' .. ARGV[at]) == 0 then hold(ARGV[1], ARGV[at], ARGV[at + 1]) end
end
`)

/** ARGV: process. Its holds are let go. */
export const leaveScript: Script = scriptOf(`${holdScript}
letAllGo(ARGV[1])
`)

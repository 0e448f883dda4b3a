import { createScript, type RedisScript } from './client.js'
import { LEASE_EXPIRED, leaseFunctions } from './process-lease.js'

/*
 * All scripts have one key: the leases. The other keys have the same prefix:
 * - `account:…` has the fields `spent` and `held`.
 * - `hold:<id>` has the process that made the reservation, or the word `settled`.
 * - `holds:<process>` has the reservations of a process: by id, the JSON of `{ nanos, accounts }`.
 * Amounts stay text on the way, because Lua would round them when it writes them.
 */
const reservationFunctions = `
local base = string.sub(KEYS[1], 1, -1 - #'processes')

local function add(accounts, field, sign, nanos)
  if nanos == '0' then return end
  for _, account in ipairs(accounts) do redis.call('HINCRBY', base .. 'account:' .. account, field, sign .. nanos) end
end

local function hold(process, id, details)
  local reservation = cjson.decode(details)
  add(reservation.accounts, 'held', '', reservation.nanos)
  redis.call('HSET', base .. 'holds:' .. process, id, details)
  redis.call('SET', base .. 'hold:' .. id, process)
end

local function release(process, id)
  local details = redis.call('HGET', base .. 'holds:' .. process, id)
  if not details then return end
  local reservation = cjson.decode(details)
  add(reservation.accounts, 'held', '-', reservation.nanos)
  redis.call('HDEL', base .. 'holds:' .. process, id)
  redis.call('DEL', base .. 'hold:' .. id)
end

local function releaseAll(process)
  for _, id in ipairs(redis.call('HKEYS', base .. 'holds:' .. process)) do release(process, id) end
  redis.call('ZREM', KEYS[1], process)
end
`

/**
 * Returns the number of the first cap that does not cover the amount, or 0.
 * ARGV: process, whether to renew its lease, id of the reservation, its details, ms until the next look for dead
 * processes, then the limit of each cap.
 */
export const reserveScript: RedisScript = createScript(`${leaseFunctions}${reservationFunctions}
if not isAlive(ARGV[1]) then return '${LEASE_EXPIRED}' end
if ARGV[2] == '1' then renew(ARGV[1]) end

if redis.call('SET', base .. 'swept', '1', 'NX', 'PX', ARGV[5]) then
  for _, process in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if not isAlive(process) then releaseAll(process) end
  end
end

if redis.call('EXISTS', base .. 'hold:' .. ARGV[3]) == 1 then return 0 end
local reservation = cjson.decode(ARGV[4])
for index, account in ipairs(reservation.accounts) do
  local balance = redis.call('HMGET', base .. 'account:' .. account, 'spent', 'held')
  if tonumber(reservation.nanos) > ARGV[5 + index] - (balance[1] or 0) - (balance[2] or 0) then return index end
end
hold(ARGV[1], ARGV[3], ARGV[4])
return 0
`)

/** ARGV: id of the reservation, its details, nano-dollars to charge. Redis remembers for a day that it is settled. */
export const settleScript: RedisScript = createScript(`${reservationFunctions}
local holder = redis.call('GET', base .. 'hold:' .. ARGV[1])
if holder == 'settled' then return end
if holder then release(holder, ARGV[1]) end
add(cjson.decode(ARGV[2]).accounts, 'spent', '', ARGV[3])
redis.call('SET', base .. 'hold:' .. ARGV[1], 'settled', 'PX', 86400000)
`)

/** Undoes a reservation. ARGV: process, id of the reservation. */
export const releaseScript: RedisScript = createScript(`${reservationFunctions}
release(ARGV[1], ARGV[2])
`)

/**
 * Makes the reservations of a process again that were released while it seemed dead.
 * ARGV: process, then id and details of each reservation.
 */
export const restoreScript: RedisScript = createScript(`${leaseFunctions}${reservationFunctions}
if isAlive(ARGV[1]) then return end
renew(ARGV[1])
for index = 2, #ARGV, 2 do
  if redis.call('EXISTS', base .. 'hold:' .. ARGV[index]) == 0 then hold(ARGV[1], ARGV[index], ARGV[index + 1]) end
end
`)

/** Releases all reservations of a process. ARGV: process. */
export const releaseAllScript: RedisScript = createScript(`${reservationFunctions}
releaseAll(ARGV[1])
`)

import { createScript, type RedisScript } from './client.js'
import { LEASE_EXPIRED, leaseFunctions } from './process-lease.js'

/*
 * The scripts for takes have the same KEYS and ARGV.
 * KEYS: the leases, then the buckets and the slots of each scope.
 * ARGV: process, a flag, requests, tokens, slots, then rpm, tpm and concurrency of each scope.
 *
 * Both buckets of a scope are in one string: ms until the requests are full again, ms until the tokens are full again,
 * and the time of writing in µs. Spans keep every digit, where times would lose some. If the clock goes back, a span
 * does not become longer.
 */
const bucketFunctions = `
local WINDOW, TOLERANCE, EXPIRY_MARGIN = 60000, 1e-6, 1000

local function readBuckets(key)
  local stored = redis.call('GET', key)
  if not stored then return {0, 0, now} end
  local requests, tokens, writtenAt = string.match(stored, '(%S+) (%S+) (%S+)')
  local passed = math.max(0, now - writtenAt) / 1000
  return {math.max(0, requests - passed), math.max(0, tokens - passed), tonumber(writtenAt)}
end

local function writeBuckets(key, spans)
  local longest = math.max(spans[1], spans[2])
  if longest == 0 then return redis.call('DEL', key) end
  local stored = string.format('%.17g %.17g %.0f', spans[1], spans[2], now)
  redis.call('SET', key, stored, 'PX', string.format('%.0f', math.ceil(longest) + EXPIRY_MARGIN))
end

local units, slots = {tonumber(ARGV[3]), tonumber(ARGV[4])}, tonumber(ARGV[5])
local scopes = {}
for index = 1, (#KEYS - 1) / 2 do
  local limits = {tonumber(ARGV[3 * index + 3]), tonumber(ARGV[3 * index + 4])}
  local scope = {key = KEYS[2 * index], slotsKey = KEYS[2 * index + 1], limits = limits}
  scope.concurrency = tonumber(ARGV[3 * index + 5])
  scope.hasBuckets = limits[1] or limits[2]
  scopes[index] = scope
end

-- A limit of zero or NaN lets nothing pass: its units cost more than a full bucket.
local function cost(scope, kind)
  if not (scope.limits[kind] > 0) then return 2 * WINDOW end
  return math.min(units[kind], scope.limits[kind]) * WINDOW / scope.limits[kind]
end
`

/**
 * The slots of a scope are a hash with a field for each process. When the last process dies, nobody deletes its fields,
 * so the hash expires after a day. A process that holds slots for longer postpones that when it renews its lease.
 */
const slotFunctions = `
local SLOTS_EXPIRY = 86400000

local function writeSlots(key, count, postponesExpiry)
  if count <= 0 then return redis.call('HDEL', key, ARGV[1]) end
  redis.call('HSET', key, ARGV[1], count)
  if postponesExpiry then redis.call('PEXPIRE', key, SLOTS_EXPIRY) end
end
`

/**
 * Flag: whether to renew the lease. Returns nine words: number, kind and wait of the exceeded limit (0, - and 0 if the
 * take passes), then number of the scope, remaining units and reset time for requests, and the same for tokens.
 */
export const takeScript: RedisScript = createScript(`${leaseFunctions}${bucketFunctions}${slotFunctions}
local CONCURRENCY_WAIT = 1000
local KINDS = {'requests', 'tokens'}
local exceeded = {scope = 0, kind = '', wait = 0}

if slots > 0 then
  if not isAlive(ARGV[1]) then return '${LEASE_EXPIRED}' end
  if ARGV[2] == '1' then renew(ARGV[1]) end
end

local function refuse(scope, kind, wait)
  if wait > exceeded.wait then exceeded = {scope = scope, kind = kind, wait = wait} end
end

local function usedSlots(scope)
  local used, own = 0, 0
  local fields = redis.call('HGETALL', scope.slotsKey)
  for index = 1, #fields, 2 do
    used = used + fields[index + 1]
    if fields[index] == ARGV[1] then own = tonumber(fields[index + 1]) end
  end
  scope.own = own
  if used + slots <= scope.concurrency then return used end
  -- Only when no slot is free does it matter which processes have died.
  for index = 1, #fields, 2 do
    if not isAlive(fields[index]) then
      used = used - fields[index + 1]
      redis.call('HDEL', scope.slotsKey, fields[index])
    end
  end
  return used
end

for index, scope in ipairs(scopes) do
  if scope.concurrency and slots > 0 and not (usedSlots(scope) + slots <= scope.concurrency) then
    refuse(index, 'concurrency', CONCURRENCY_WAIT)
  end
  if scope.hasBuckets then scope.spans = readBuckets(scope.key) end
  for kind = 1, 2 do
    local wait = scope.limits[kind] and scope.spans[kind] + cost(scope, kind) - WINDOW
    if wait and wait > TOLERANCE then refuse(index, KINDS[kind], wait) end
  end
end

local passes = exceeded.scope == 0
for _, scope in ipairs(scopes) do
  for kind = 1, 2 do
    if passes and scope.limits[kind] then scope.spans[kind] = scope.spans[kind] + cost(scope, kind) end
  end
  -- A refusal writes only if the clock has gone back. Otherwise nothing would refill until the clock has caught up.
  if scope.hasBuckets and (passes or scope.spans[3] > now) then writeBuckets(scope.key, scope.spans) end
  if passes and scope.concurrency and slots > 0 then writeSlots(scope.slotsKey, scope.own + slots, scope.own == 0) end
end

local function tightest(kind)
  local number, least, span = 0, 0, 0
  for index, scope in ipairs(scopes) do
    local limit = scope.limits[kind]
    local isReported = limit and (passes or exceeded.scope == index)
    local remaining = isReported and math.max(0, math.floor((WINDOW - scope.spans[kind] + TOLERANCE) * limit / WINDOW))
    if remaining and (number == 0 or remaining < least) then number, least, span = index, remaining, scope.spans[kind] end
  end
  return string.format('%d %.0f %.17g', number, least, span)
end

local kind = passes and '-' or exceeded.kind
return string.format('%d %s %.17g %s %s', exceeded.scope, kind, exceeded.wait, tightest(1), tightest(2))
`)

/** Flag: unused. */
export const giveBackScript: RedisScript = createScript(`${leaseFunctions}${bucketFunctions}${slotFunctions}
for _, scope in ipairs(scopes) do
  if scope.hasBuckets and (units[1] ~= 0 or units[2] ~= 0) then
    local spans = readBuckets(scope.key)
    for kind = 1, 2 do
      if scope.limits[kind] then spans[kind] = math.max(0, spans[kind] - cost(scope, kind)) end
    end
    writeBuckets(scope.key, spans)
  end
  local own = scope.concurrency and slots > 0 and redis.call('HGET', scope.slotsKey, ARGV[1])
  if own then writeSlots(scope.slotsKey, own - slots) end
end
`)

/**
 * Writes the slots that a process holds, and renews its lease.
 * KEYS: the leases, then the slots of each scope. ARGV: process, whether to write only if its lease has expired, then
 * its number of slots in each scope.
 */
export const writeSlotsScript: RedisScript = createScript(`${leaseFunctions}${slotFunctions}
if ARGV[2] == '1' and isAlive(ARGV[1]) then return end
renew(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
for index = 2, #KEYS do writeSlots(KEYS[index], tonumber(ARGV[index + 1]), true) end
`)

/** Gives back all slots of a process. KEYS: the leases, then the slots of each scope. ARGV: process. */
export const releaseSlotsScript: RedisScript = createScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
for index = 2, #KEYS do redis.call('HDEL', KEYS[index], ARGV[1]) end
`)

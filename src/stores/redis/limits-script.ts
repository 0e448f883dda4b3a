import { type Script, scriptOf } from './client.js'
import { LAPSED, leaseScript } from './process-lease.js'

/*
 * All scripts have KEYS: the processes' leases, then for each scope its buckets and its slots. ARGV: the process, a flag,
 * then what the script is about.
 *
 * Both buckets of a scope are one string: how many ms until that of requests is full again, the same of tokens, and the
 * time of writing in µs. Spans rather than points in time keep every digit; a clock that goes back adds nothing to them.
 */
const bucketScript = `
local WINDOW, SLACK, MARGIN = 60000, 1e-6, 1000

local function readBuckets(key)
  local stored = redis.call('GET', key)
  if not stored then return {0, 0, now} end
  local requests, tokens, at = string.match(stored, '(%S+) (%S+) (%S+)')
  local passed = math.max(0, now - at) / 1000
  return {math.max(0, requests - passed), math.max(0, tokens - passed), tonumber(at)}
end

local function writeBuckets(key, spans)
  local longest = math.max(spans[1], spans[2])
  if longest == 0 then return redis.call('DEL', key) end
  local stored = string.format('%.17g %.17g %.0f', spans[1], spans[2], now)
  redis.call('SET', key, stored, 'PX', string.format('%.0f', math.ceil(longest) + MARGIN))
end

local draws, slots = {tonumber(ARGV[3]), tonumber(ARGV[4])}, tonumber(ARGV[5])
local scopes = {}
for index = 1, (#KEYS - 1) / 2 do
  local limits = {tonumber(ARGV[3 * index + 3]), tonumber(ARGV[3 * index + 4])}
  local scope = {key = KEYS[2 * index], slotsKey = KEYS[2 * index + 1], limits = limits}
  scope.concurrency = tonumber(ARGV[3 * index + 5])
  scope.hasBuckets = limits[1] or limits[2]
  scopes[index] = scope
end

-- Of a limit that lets nothing pass, or is none: more than there ever is.
local function cost(scope, kind)
  if not (scope.limits[kind] > 0) then return 2 * WINDOW end
  return math.min(draws[kind], scope.limits[kind]) * WINDOW / scope.limits[kind]
end
`

/**
 * A field for each process, which nobody clears when the last process has died: after a day it goes. A process that holds
 * slots for longer puts that off with its signs of life.
 */
const slotScript = `
local SLOTS_KEPT = 86400000

local function writeSlots(key, count, keeps)
  if count <= 0 then return redis.call('HDEL', key, ARGV[1]) end
  redis.call('HSET', key, ARGV[1], count)
  if keeps then redis.call('PEXPIRE', key, SLOTS_KEPT) end
end
`

/** Flag: whether to renew the lease. Then requests, tokens and slots, and of each scope rpm, tpm and concurrency. */
export const takeScript: Script = scriptOf(`${leaseScript}${bucketScript}${slotScript}
local SLOT_WAIT = 1000
local KINDS = {'requests', 'tokens'}
local met = {scope = 0, what = '', wait = 0}

if slots > 0 then
  if not isAlive(ARGV[1]) then return '${LAPSED}' end
  if ARGV[2] == '1' then renew(ARGV[1]) end
end

local function refuse(scope, what, wait)
  if wait > met.wait then met = {scope = scope, what = what, wait = wait} end
end

local function usedSlots(scope)
  local used, own = 0, 0
  local fields = redis.call('HGETALL', scope.slotsKey)
  for at = 1, #fields, 2 do
    used = used + fields[at + 1]
    if fields[at] == ARGV[1] then own = tonumber(fields[at + 1]) end
  end
  scope.own = own
  if used + slots <= scope.concurrency then return used end
  -- Only now does it matter who has died.
  for at = 1, #fields, 2 do
    if not isAlive(fields[at]) then
      used = used - fields[at + 1]
      redis.call('HDEL', scope.slotsKey, fields[at])
    end
  end
  return used
end

for index, scope in ipairs(scopes) do
  if scope.concurrency and slots > 0 and not (usedSlots(scope) + slots <= scope.concurrency) then
    refuse(index, 'concurrency', SLOT_WAIT)
  end
  if scope.hasBuckets then scope.spans = readBuckets(scope.key) end
  for kind = 1, 2 do
    local wait = scope.limits[kind] and scope.spans[kind] + cost(scope, kind) - WINDOW
    if wait and wait > SLACK then refuse(index, KINDS[kind], wait) end
  end
end

local passes = met.scope == 0
for _, scope in ipairs(scopes) do
  for kind = 1, 2 do
    if passes and scope.limits[kind] then scope.spans[kind] = scope.spans[kind] + cost(scope, kind) end
  end
  -- A refusal writes only when the clock has gone back: else nothing would run off until it has caught up.
  if scope.hasBuckets and (passes or scope.spans[3] > now) then writeBuckets(scope.key, scope.spans) end
  if passes and scope.concurrency and slots > 0 then writeSlots(scope.slotsKey, scope.own + slots, scope.own == 0) end
end

local function standing(kind)
  local of, least, span = 0, 0, 0
  for index, scope in ipairs(scopes) do
    local limit = scope.limits[kind]
    local isMeant = limit and (passes or met.scope == index)
    local left = isMeant and math.max(0, math.floor((WINDOW - scope.spans[kind] + SLACK) * limit / WINDOW))
    if left and (of == 0 or left < least) then of, least, span = index, left, scope.spans[kind] end
  end
  return string.format('%d %.0f %.17g', of, least, span)
end

return string.format('%d %s %.17g %s %s', met.scope, passes and '-' or met.what, met.wait, standing(1), standing(2))
`)

/** Flag: nothing. The rest as in taking. */
export const giveBackScript: Script = scriptOf(`${leaseScript}${bucketScript}${slotScript}
for _, scope in ipairs(scopes) do
  if scope.hasBuckets and (draws[1] ~= 0 or draws[2] ~= 0) then
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

/** KEYS: the leases, then slots. Flag: whether only a lapsed lease is written. Then the process's count of each. */
export const writeSlotsScript: Script = scriptOf(`${leaseScript}${slotScript}
if ARGV[2] == '1' and isAlive(ARGV[1]) then return end
renew(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
for index = 2, #KEYS do writeSlots(KEYS[index], tonumber(ARGV[index + 1]), true) end
`)

/** KEYS: the leases, then slots. The process has none any more. */
export const leaveScript: Script = scriptOf(`
redis.call('ZREM', KEYS[1], ARGV[1])
for index = 2, #KEYS do redis.call('HDEL', KEYS[index], ARGV[1]) end
`)

-- Takes, renews or releases a lease.
--
-- A lock is a sorted set of its holders, each with the time when its lease ends. The holder of an
-- exclusive lease starts with "x", and is alone.
--
-- KEYS: the lock. ARGV: "take", "renew" or "release"; the holder; the time to live in milliseconds.
-- Returns 1, or 0 if another holder is in the way or, when renewing, the lease has ended.

local action, holder, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
if action == 'release' then
    return redis.call('ZREM', KEYS[1], holder)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local holders = redis.call('ZRANGE', KEYS[1], 0, -1)
local is_held = false
for _, other in ipairs(holders) do
    is_held = is_held or other == holder
end
-- A holder that has the lease already asks again because the answer was lost.
if action == 'renew' and not is_held then
    return 0
end
if not is_held and #holders > 0 then
    if string.sub(holder, 1, 1) == 'x' or string.sub(holders[1], 1, 1) == 'x' then
        return 0
    end
end
redis.call('ZADD', KEYS[1], now + ttl, holder)
-- The whole lock ends with its last lease.
if redis.call('PTTL', KEYS[1]) < ttl then
    redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1

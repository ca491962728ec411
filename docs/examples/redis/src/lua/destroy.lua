-- Removes some entries, and returns how many are left.
--
-- KEYS: the index. ARGV: the start of all entries' keys.

for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, 499)) do
    redis.call('DEL', ARGV[1] .. entry)
    redis.call('ZREM', KEYS[1], entry)
end
return redis.call('ZCARD', KEYS[1])

-- Lists entries in the order of their bytes.
--
-- KEYS: the index. ARGV: the start of all entries' keys; where to begin, as for ZRANGEBYLEX; how many
-- entries to look at.
-- Returns those that have not expired. The first value says where to continue; it is empty at the end.

local entries = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[2], '+', 'LIMIT', 0, ARGV[3])
local result = { '' }
for _, entry in ipairs(entries) do
    if redis.call('EXISTS', ARGV[1] .. entry) == 1 then
        table.insert(result, entry)
    else
        -- The server removed the expired value, and does not know the index.
        redis.call('ZREM', KEYS[1], entry)
    end
end
if #entries == tonumber(ARGV[3]) then
    result[1] = '(' .. entries[#entries]
end
return result

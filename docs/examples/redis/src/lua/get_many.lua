-- Returns the values of the first of KEYS, at least one, and stops after ARGV[1] bytes.

local values, bytes = {}, 0
for at, key in ipairs(KEYS) do
    values[at] = redis.call('GET', key)
    bytes = bytes + (values[at] and #values[at] or 0)
    if bytes >= tonumber(ARGV[1]) then
        break
    end
end
return values

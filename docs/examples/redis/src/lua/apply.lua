-- Makes all of some changes, or none.
--
-- KEYS: the index of entries; a key that says that this call was made; the key of each change.
-- ARGV, for each change: the entry; "any", "absent" or "revision"; that revision; the new revision, or
-- "" for a delete; the blob; the time in milliseconds when it expires, or "".
-- Returns "done", "conflict" or "missing".

-- A value is a magic number, 16 bytes of revision, and the blob.
local MAGIC = 'kwr\1'

-- An earlier attempt was made, and its answer was lost.
if redis.call('EXISTS', KEYS[2]) == 1 then
    return 'done'
end

local function revision_of(key)
    local head = redis.call('GETRANGE', key, 0, 19)
    if head == '' then
        return false
    end
    if #head < 20 or string.sub(head, 1, 4) ~= MAGIC then
        return 'not a revision'
    end
    return string.sub(head, 5)
end

-- The state of each key after the changes that were checked so far.
local revisions = {}
for at = 3, #KEYS do
    local key, argument = KEYS[at], (at - 3) * 6
    local expect, expected, new = ARGV[argument + 2], ARGV[argument + 3], ARGV[argument + 4]
    local found = revisions[key]
    if found == nil then
        found = revision_of(key)
    end
    if new == '' and not found then
        return 'missing'
    end
    if expect == 'absent' and found or expect == 'revision' and found ~= expected then
        return 'conflict'
    end
    revisions[key] = new ~= '' and new
end

for at = 3, #KEYS do
    local key, argument = KEYS[at], (at - 3) * 6
    local entry, new, blob = ARGV[argument + 1], ARGV[argument + 4], ARGV[argument + 5]
    local expires = ARGV[argument + 6]
    if new == '' then
        redis.call('DEL', key)
        redis.call('ZREM', KEYS[1], entry)
    else
        redis.call('SET', key, MAGIC .. new .. blob)
        redis.call('ZADD', KEYS[1], 0, entry)
        if expires ~= '' then
            redis.call('PEXPIREAT', key, expires)
        end
    end
end
redis.call('SET', KEYS[2], '', 'PX', 60000)
return 'done'

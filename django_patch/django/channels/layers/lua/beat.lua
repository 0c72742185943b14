-- Note that a process is alive, and what it says of itself.
--
-- KEYS[1]  processes            sorted set: process -> its last beat in ms
-- KEYS[2]  facts                hash: process -> what it says of itself
-- ARGV[1]  process              its name
-- ARGV[2]  facts                JSON
-- ARGV[3]  remembered           ms after its last beat for which a dead process
--                               stays listed
-- ARGV[4...]  fingerprints (optional)  of its project: it is noted only if no
--                               other project's processes are here alone
-- Returns 1 if the process was listed, 0 if it wasn't. To one that was before,
-- 0 says that others may have taken it for dead. If it was not noted: what one
-- of the others says of itself.

local LIFETIME = 15000

-- First what frees memory: a server without any left lets a script write on
-- that has begun, and nobody is to be taken for dead for lack of memory.
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3], 'LIMIT', 0, 100)
for _, name in ipairs(dead) do
    redis.call('ZREM', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
end

-- Return the project that an entry names, a table; nil if it names none.
local function project_of(entry)
    local is_json, values = pcall(cjson.decode, entry or '')
    if is_json and type(values) == 'table' and type(values.facts) == 'table'
            and type(values.facts.project) == 'table' and values.facts.project[1] then
        return values.facts.project
    end
end

-- Return the entry of a living process of another project, and nil if there
-- are processes of this one, or nobody says whose it is.
local function another()
    local own, found = {}, nil
    for index = 4, #ARGV do
        own[ARGV[index]] = true
    end
    for _, name in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. now - LIFETIME)) do
        local entry = redis.call('HGET', KEYS[2], name)
        local project = project_of(entry)
        for _, fingerprint in ipairs(project or {}) do
            if own[fingerprint] then
                return nil
            end
        end
        found = found or project and entry
    end
    return found
end

if ARGV[4] then
    local found = another()
    if found then
        return found
    end
end
local is_new = redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1 - is_new

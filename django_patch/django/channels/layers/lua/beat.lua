-- Note that a process is alive, and what it says of itself.
--
-- KEYS[1]  processes            sorted set: process -> its last beat in ms
-- KEYS[2]  facts                hash: process -> what it says of itself
-- ARGV[1]  process              its name
-- ARGV[2]  facts                JSON
-- ARGV[3]  remembered           ms after its last beat for which a dead process
--                               stays listed
-- Returns 1 if the process was listed, 0 if it wasn't. To one that was before,
-- 0 says that others may have taken it for dead.

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

local is_new = redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1 - is_new

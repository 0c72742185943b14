-- What a client asks first on a connection, and a reader now and then.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  a key that holds nothing
-- ARGV[1]  epoch                proposed; random
-- ARGV[2]  statistics' lifetime ms
-- ARGV[3]  version              newest of entries that the client reads
-- Returns {seconds, microseconds, epoch, 1 if LMPOP and BLMPOP are there,
-- lowest version}.
-- The epoch is the first client's proposal. Another one than before says that
-- the server has lost what it held. The lowest version is that of all who
-- said hello lately: an entry of a later one would not be read by somebody.

local LATELY = 180000

redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local pops = redis.pcall('LMPOP', 1, KEYS[2], 'LEFT')
local many = 1
if type(pops) == 'table' and pops.err then
    many = 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'reads:' .. ARGV[3], string.format('%.0f', now))
local lowest = tonumber(ARGV[3])
for version = 1, lowest - 1 do
    local field = 'reads:' .. version
    local seen = redis.call('HGET', KEYS[1], field)
    if seen and tonumber(seen) > now - LATELY then
        lowest = version
        break
    elseif seen then
        redis.call('HDEL', KEYS[1], field)
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {time[1], time[2], redis.call('HGET', KEYS[1], 'epoch'), many, lowest}

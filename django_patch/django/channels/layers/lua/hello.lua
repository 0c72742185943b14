-- What a client asks first on a connection, and a reader now and then.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  a key that holds nothing
-- ARGV[1]  epoch                proposed; random
-- ARGV[2]  statistics' lifetime ms
-- Returns {seconds, microseconds, epoch, 1 if LMPOP and BLMPOP are there}.
-- The epoch is the first client's proposal. Another one than before says that
-- the server has lost what it held.

redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local pops = redis.pcall('LMPOP', 1, KEYS[2], 'LEFT')
local many = 1
if type(pops) == 'table' and pops.err then
    many = 0
end
local time = redis.call('TIME')
return {time[1], time[2], redis.call('HGET', KEYS[1], 'epoch'), many}

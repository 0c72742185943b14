-- Drop what has expired from the head of a normal channel's queue, and count it.
--
-- KEYS[1]  queue                list of entries
-- KEYS[2]  statistics           hash of counters
-- ARGV[1]  channel
-- ARGV[2]  limit                entries to drop at most
-- ARGV[3]  statistics' lifetime ms
-- Returns how many were dropped.

local limit, dropped = tonumber(ARGV[2]), 0
while dropped < limit do
    local head = redis.call('LINDEX', KEYS[1], 0)
    if not head or #head >= 12 and struct.unpack('>I8', head, 3) > now then
        break
    end
    redis.call('LPOP', KEYS[1])
    dropped = dropped + 1
end
if dropped > 0 then
    redis.call('HINCRBY', KEYS[2], 'expired:' .. ARGV[1], dropped)
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return dropped

-- Put messages on a queue, until it is full.
--
-- KEYS[1]  queue                list of entries
-- KEYS[2]  statistics           hash of counters
-- KEYS[3]  pending (!)          hash: client's name -> messages that wait; or
--          acknowledged         hash: channel -> options, for other queues
-- ARGV[1]  lifetime             ms
-- ARGV[2]  capacity             entries that the queue may hold
-- ARGV[3]  statistics' name
-- ARGV[4]  statistics' lifetime ms
-- ARGV[5]  client capacity (!)  messages that may wait for one client, or ''
-- ARGV[6]  entry                more may follow
-- Returns how many were put; the first that didn't fit ends it. -1 if the
-- channel is an acknowledged one: put.lua takes its messages.

if ARGV[5] == '' and KEYS[3] and redis.call('HEXISTS', KEYS[3], ARGV[3]) == 1 then
    return -1
end
return send(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], 6, #ARGV)

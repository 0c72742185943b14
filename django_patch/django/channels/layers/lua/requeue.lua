-- Put entries back at the head of the queue they came from.
--
-- KEYS[1]  queue                list of entries
-- ARGV[1]  lifetime             ms
-- ARGV[2]  entry, the first that was taken last, and so on
-- Returns nothing.

for i = 2, #ARGV do
    redis.call('LPUSH', KEYS[1], ARGV[i])
end
if redis.call('PTTL', KEYS[1]) < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end

-- Note that a reader took messages from a ! queue.
--
-- KEYS[1]  pending              hash: client's name -> messages that wait
-- ARGV     client's name, number, client's name, number, ...
-- Returns nothing.

for i = 1, #ARGV, 2 do
    if redis.call('HINCRBY', KEYS[1], ARGV[i], -ARGV[i + 1]) <= 0 then
        redis.call('HDEL', KEYS[1], ARGV[i])
    end
end

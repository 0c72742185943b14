-- Note that a reader took messages: how many from a ! queue, or that it did.
--
-- KEYS[1]  pending              hash: client's name -> messages that wait
-- KEYS[2]  statistics (optional) hash of counters
-- ARGV     client's name, number, client's name, number, ...; nothing if the
--          queue isn't a ! queue
-- Returns the mark (see mark.lua) if there are statistics.

for i = 1, #ARGV, 2 do
    if redis.call('HINCRBY', KEYS[1], ARGV[i], -ARGV[i + 1]) <= 0 then
        redis.call('HDEL', KEYS[1], ARGV[i])
    end
end
return mark_if_known(KEYS[2])

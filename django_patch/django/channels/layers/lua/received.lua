-- Note that a reader took messages: how many from a ! queue, or that it did.
--
-- KEYS[1]  pending              hash: client's name -> messages that wait
-- KEYS[2]  statistics (optional) hash of counters
-- ARGV     client's name, number, client's name, number, ...; nothing if the
--          queue isn't a ! queue
-- Returns the mark (see mark.lua) if there are statistics.

local labels, gone = {}, {}
for i = 1, #ARGV, 2 do
    labels[#labels + 1] = ARGV[i]
end
-- Of nearly all, all is taken: they leave together.
local before = labels[1] and not labels[1001] and redis.call('HMGET', KEYS[1], unpack(labels)) or {}
for i = 1, #labels do
    if before[i] == ARGV[2 * i] then
        gone[#gone + 1] = labels[i]
    elseif redis.call('HINCRBY', KEYS[1], labels[i], -ARGV[2 * i]) <= 0 then
        redis.call('HDEL', KEYS[1], labels[i])
    end
end
if gone[1] then
    redis.call('HDEL', KEYS[1], unpack(gone))
end
return mark_if_known(KEYS[2])

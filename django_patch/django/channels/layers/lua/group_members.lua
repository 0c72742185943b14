-- Return the members of a group on this shard, or those of one process.
--
-- KEYS[1]  group                hash: queue -> state (see group_send.lua)
-- ARGV[1]  prefix of the shard's keys
-- ARGV[2]  group's name
-- ARGV[3]  queue                of one process, or '' for all
-- Returns {queue, version, {client's name, ...}, queue, ...}; the version is
-- text, and the names are {''} for a channel that isn't a ! channel.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state
if ARGV[3] == '' then
    state = redis.call('HGETALL', KEYS[1])
else
    state = {ARGV[3], redis.call('HGET', KEYS[1], ARGV[3])}
end

local found = {}
for i = 1, #state, 2 do
    local queue, value = state[i], state[i + 1]
    local version, names = '0', {}
    if value and #value == 20 then
        version = string.format('%.0f', (struct.unpack('>I8', value)))
        names = redis.call(
            'ZRANGEBYSCORE', ARGV[1] .. 'm:' .. ARGV[2] .. ':' .. queue, '(' .. string.format('%.0f', now), '+inf')
    elseif value and #value == 12 and struct.unpack('>I8', value) > now then
        names = {''}
    end
    found[#found + 1] = queue
    found[#found + 1] = version
    found[#found + 1] = names
end
return found

-- Remove a channel from a group, on the shard of the channel.
--
-- KEYS[1]  group                hash: queue -> state (see group_send.lua)
-- KEYS[2]  members              sorted set: client's name -> deadline in ms
-- KEYS[3]  changes              list: "+name" and "-name" since last sent
-- KEYS[4]  statistics (optional) hash of counters
-- ARGV[1]  queue                the channel's name up to and including "!"
-- ARGV[2]  client's name
-- ARGV[3]  group's lifetime     ms
-- Returns the mark (see mark.lua) if there are statistics.

local function leave()
    redis.call('HDEL', KEYS[1], ARGV[1])
    if redis.call('EXISTS', KEYS[1]) == 0 then
        local base, group = string.match(KEYS[1], '^(.-}:)g:(.+)$')
        redis.call('ZREM', base .. 'groups', group)
    end
end

local is_process = string.sub(ARGV[1], -1) == '!'
local state = redis.call('HGET', KEYS[1], ARGV[1])
if state and #state ~= (is_process and 20 or 12) then
    -- A later version's: it is left as it is.
    return mark_if_known(KEYS[4])
end

if not is_process then
    leave()
elseif redis.call('ZREM', KEYS[2], ARGV[2]) == 1 then
    local size = redis.call('ZCARD', KEYS[2])
    if size == 0 then
        leave()
        redis.call('DEL', KEYS[3])
    elseif state then
        local time = redis.call('TIME')
        local last, sent, capacity = struct.unpack('>I8I8I4', state)
        if sent > 0 then
            if redis.call('RPUSH', KEYS[3], '-' .. ARGV[2]) > size + 64 then
                redis.call('DEL', KEYS[3])
                sent = 0
            else
                redis.call('PEXPIRE', KEYS[3], ARGV[3])
            end
        end
        local version = math.max(time[1] * 1000000 + time[2], last + 1)
        redis.call('HSET', KEYS[1], ARGV[1], struct.pack('>I8I8I4', version, sent, capacity))
    end
end
return mark_if_known(KEYS[4])

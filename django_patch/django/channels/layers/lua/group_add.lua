-- Make a channel a member of a group, on the shard of the channel.
--
-- KEYS[1]  group                hash: queue -> state (see group_send.lua)
-- KEYS[2]  members              sorted set: client's name -> deadline in ms
-- KEYS[3]  changes              list: "+name" and "-name" since last sent
-- KEYS[4]  statistics (optional) hash of counters
-- ARGV[1]  queue                the channel's name up to and including "!"
-- ARGV[2]  client's name
-- ARGV[3]  group's lifetime     ms
-- ARGV[4]  capacity             of the queue, in entries
-- Returns the mark (see mark.lua) if there are statistics.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = now + ARGV[3]
-- The groups of the shard, by the deadline of their last member: those who
-- look at them need not look at all keys.
local base, group = string.match(KEYS[1], '^(.-}:)g:(.+)$')
local groups = base .. 'groups'

local is_process = string.sub(ARGV[1], -1) == '!'
local state = redis.call('HGET', KEYS[1], ARGV[1])
if state and #state ~= (is_process and 20 or 12) then
    -- A later version's: it is left as it is.
    return mark_if_known(KEYS[4])
end

if not is_process then
    redis.call('HSET', KEYS[1], ARGV[1], struct.pack('>I8I4', deadline, ARGV[4]))
elseif redis.call('ZADD', KEYS[2], deadline, ARGV[2]) == 1 then
    local version, sent = time[1] * 1000000 + time[2], 0
    local size = redis.call('ZCARD', KEYS[2])
    if state and size > 1 then
        local last
        last, sent = struct.unpack('>I8I8', state)
        version = math.max(version, last + 1)
    end
    if sent > 0 then
        -- Once the changes outgrow the list itself, it is sent whole.
        if redis.call('RPUSH', KEYS[3], '+' .. ARGV[2]) > size + 64 then
            sent = 0
        end
    end
    if sent == 0 then
        redis.call('DEL', KEYS[3])
    end
    redis.call('HSET', KEYS[1], ARGV[1], struct.pack('>I8I8I4', version, sent, ARGV[4]))
end
redis.call('ZADD', groups, 'GT', deadline, group)
-- Two for each that comes, so that none stays whose members all ended.
local ended = redis.call('ZRANGEBYSCORE', groups, '-inf', string.format('%.0f', now), 'LIMIT', 0, 2)
if ended[1] then
    redis.call('ZREM', groups, unpack(ended))
end
redis.call('PEXPIRE', groups, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return mark_if_known(KEYS[4])

-- Send a message to the members of a group that live on this shard: one entry
-- for each process, one for each other channel.
--
-- KEYS[1]  group                hash: queue -> state. For a ! queue 20 bytes:
--                               version of its list of members (8), version
--                               that its process was sent last (8; 0: none),
--                               capacity (4). For other queues 12 bytes:
--                               deadline of the membership in ms (8),
--                               capacity (4). Other sizes are those of
--                               later versions, and left as they are
-- KEYS[2]  statistics           hash of counters
-- KEYS[3]  pieces (if large)    hash of the message's pieces
-- ARGV[1]  prefix of the shard's keys
-- ARGV[2]  group's name
-- ARGV[3]  version of entries   1 byte
-- ARGV[4]  flags of the kind    number
-- ARGV[5]  lifetime             ms
-- ARGV[6]  statistics' lifetime ms
-- ARGV[7]  lifetime of pieces   ms
-- ARGV[8]  body
-- Returns {entries written, members left out}.

local prefix, group, body = ARGV[1], ARGV[2], ARGV[8]
local deadline = struct.pack('>I8', now + ARGV[5])
-- How an entry for a process begins.
local start = ARGV[3] .. string.char(2 + ARGV[4]) .. deadline .. struct.pack('>H', #group) .. group
-- Entries that expire, entries on acknowledged channels, members left out.
local written, kept, dropped = 0, 0, 0
local counters = {}
local has_left = false

local function count(counter, queue, number)
    -- The token of a process or of a ? channel is no name to count under.
    local name = string.match(queue, '^(.+)%.[^.]*!$')
    if name then
        name = name .. '!'
    else
        name = string.match(queue, '^[^?]*%??')
    end
    local field = counter .. name
    counters[field] = (counters[field] or 0) + number
end

local function finish()
    if KEYS[3] then
        if written > 0 then
            redis.call('HSET', KEYS[3], 'readers', written)
            redis.call('PEXPIRE', KEYS[3], ARGV[7])
        else
            redis.call('DEL', KEYS[3])
        end
    end
    local has_begun = false
    for field, number in pairs(counters) do
        local sum = redis.call('HINCRBY', KEYS[2], field, number == 1 and '1' or number)
        has_begun = has_begun or sum == number
    end
    if has_begun then
        redis.call('PEXPIRE', KEYS[2], ARGV[6])
    end
    return {written + kept, dropped}
end

-- The usual case: a process that knows the list of its members, of whom none
-- has expired, and has room. It needs none of the functions that come then.
-- Redis takes longer to write a number as text.
local state, others = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #state, 2 do
    local queue, value, is_sent = state[i], state[i + 1], false
    if #value == 20 and string.sub(value, 1, 8) == string.sub(value, 9, 16) then
        local key = prefix .. 'q:' .. queue
        local first = redis.call('ZRANGE', prefix .. 'm:' .. group .. ':' .. queue, '0', '0', 'WITHSCORES')
        if first[2] and first[2] - now > 0 then
            -- First put, then look, as sending.lua does.
            local length = redis.call('RPUSH', key, start .. string.sub(value, 1, 16) .. '\0\0\0\0' .. body)
            is_sent = length <= struct.unpack('>I4', value, 17)
            if is_sent and length > 1 and (length < 8 or length % 8 == 0) then
                -- Whether its process has gone is not looked at each time.
                local head = redis.call('LINDEX', key, '0')
                is_sent = #head >= 12 and struct.unpack('>I8', head, 3) > now
            end
            if is_sent then
                redis.call('PEXPIRE', key, ARGV[5])
                written = written + 1
                count('sent:', queue, 1)
            else
                redis.call('RPOP', key)
            end
        end
    end
    if not is_sent then
        others[#others + 1] = queue
        others[#others + 1] = value
    end
end
if #others == 0 then
    return finish()
end

local function leave(queue)
    redis.call('HDEL', KEYS[1], queue)
    has_left = true
end

-- Look at what waits. Return its length, and whether something had expired:
-- nobody reads there any more, and the queue leaves the group.
local function look(queue, pending)
    local key = prefix .. 'q:' .. queue
    local length = redis.call('LLEN', key)
    if length == 0 then
        return 0, false
    end
    local trimmed = trim(key, pending)
    if trimmed > 0 then
        count('expired:', queue, trimmed)
    end
    return length - trimmed, trimmed > 0
end

local function put(queue, entry)
    local key = prefix .. 'q:' .. queue
    redis.call('RPUSH', key, entry)
    -- As sending.lua does.
    redis.call('PEXPIRE', key, string.find(queue, '[!?]') and ARGV[5] or math.max(ARGV[5], ARGV[6]))
    written = written + 1
    count('sent:', queue, 1)
end

-- Put an entry on an acknowledged channel (see acknowledged.lua), whose options
-- are `options`.
local function send_to_acknowledged(queue, start, options)
    local line, bell = prefix .. 'a:' .. queue, prefix .. 'n:' .. queue
    local capacity, lifetime = string.match(options, '^(%d+) (%d+) ')
    if redis.call('LLEN', line) + redis.call('ZCARD', prefix .. 'r:' .. queue) >= tonumber(capacity) then
        dropped = dropped + 1
        count('dropped:', queue, 1)
        return
    end
    local ends = now + (tonumber(lifetime) > 0 and lifetime or 4503599627370496)
    redis.call('RPUSH', line, string.sub(start, 1, 2) .. struct.pack('>I8', ends) .. string.sub(start, 11) .. body)
    redis.call('RPUSH', bell, 1)
    redis.call('PEXPIRE', bell, 10000)
    if KEYS[3] then
        -- Copies for those that are kept until they are acknowledged.
        local pieces = prefix .. 'k:' .. string.sub(body, 1, 16)
        if redis.call('COPY', KEYS[3], pieces) == 1 then
            redis.call('HSET', pieces, 'readers', 0)
            redis.call('PERSIST', pieces)
        end
        redis.call('HINCRBY', pieces, 'readers', 1)
    end
    kept = kept + 1
    count('sent:', queue, 1)
end

local function send_to_channel(queue, state)
    local ends, capacity = struct.unpack('>I8I4', state)
    local start
    if ARGV[4] % 128 >= 64 then
        -- A bound body can't be opened without the group's name.
        start = ARGV[3] .. string.char(3 + ARGV[4]) .. deadline .. struct.pack('>H', #group) .. group
    else
        start = ARGV[3] .. string.char(1 + ARGV[4]) .. deadline .. '\0\0'
    end
    local options = ends > now and redis.call('HGET', prefix .. 'acknowledged', queue)
    if options then
        return send_to_acknowledged(queue, start, options)
    end
    local length, abandoned = look(queue, false)
    if ends <= now or abandoned then
        leave(queue)
    elseif length >= capacity then
        dropped = dropped + 1
        count('dropped:', queue, 1)
    else
        put(queue, start .. body)
    end
end

local function send_to_process(queue, state)
    local members = prefix .. 'm:' .. group .. ':' .. queue
    local changes = prefix .. 'd:' .. group .. ':' .. queue
    local length, abandoned = look(queue, prefix .. 'p:' .. queue)
    if abandoned then
        redis.call('DEL', members, changes)
        leave(queue)
        return
    end
    local first = redis.call('ZRANGE', members, 0, 0, 'WITHSCORES')
    local version, sent, capacity = struct.unpack('>I8I8I4', state)
    local gone = {}
    if first[2] and tonumber(first[2]) <= now then
        gone = redis.call('ZRANGEBYSCORE', members, '-inf', now)
        redis.call('ZREMRANGEBYSCORE', members, '-inf', now)
        version = math.max(time[1] * 1000000 + time[2], version + 1)
        first = redis.call('ZRANGE', members, 0, 0)
    end
    if not first[1] then
        redis.call('DEL', changes)
        leave(queue)
        return
    end
    if length >= capacity then
        local left_out = redis.call('ZCARD', members)
        dropped = dropped + left_out
        count('dropped:', queue, left_out)
        if #gone > 0 then
            -- Those who went are noted nowhere: the next list is a whole one.
            redis.call('DEL', changes)
            redis.call('HSET', KEYS[1], queue, struct.pack('>I8I8I4', version, 0, capacity))
        end
        return
    end
    local list = ''
    if version ~= sent then
        if sent > 0 then
            local known = redis.call('LRANGE', changes, 0, -1)
            for _, name in ipairs(gone) do
                known[#known + 1] = '-' .. name
            end
            list = table.concat(known, ' ')
        else
            list = '+' .. table.concat(redis.call('ZRANGE', members, 0, -1), ' +')
        end
        redis.call('DEL', changes)
        redis.call('HSET', KEYS[1], queue, struct.pack('>I8I8I4', version, version, capacity))
    end
    put(queue, start .. struct.pack('>I8I8I4', sent, version, #list) .. list .. body)
end

for i = 1, #others, 2 do
    if #others[i + 1] == 20 then
        send_to_process(others[i], others[i + 1])
    elseif #others[i + 1] == 12 then
        send_to_channel(others[i], others[i + 1])
    end
end

if has_left and redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('ZREM', prefix .. 'groups', group)
end
return finish()

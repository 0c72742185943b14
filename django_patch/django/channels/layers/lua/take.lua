-- Have a reader hold what waits on acknowledged channels.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  wake (optional)      list that the reader waits for next
-- KEYS[3]  queue (optional)     more may follow: of other channels, whose turn
--                               it is; if anything is there, nothing is done
-- ARGV[1]  reader               its process's name, "~", generation
-- ARGV[2]  limit                messages to take at most
-- ARGV[3]  known                ms of the server's clock when the reader looks
--                               again, or ''
-- ARGV[4]  channel, options ... in order of preference; options as in put.lua
-- Returns {due, channel, {token, record, ...}}: when the first of those that
-- are due later is ('' if there is none), and what the reader holds now, from
-- the first channel that had any. The reader is woken at once if something was
-- taken, and if something is due before it looks.

local reader, limit = ARGV[1], tonumber(ARGV[2])
local earliest

-- Have those that are due now be received.
local function promote(name)
    local later = key('l', name)
    local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
    if first[2] and tonumber(first[2]) <= now then
        local ids = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, 500)
        redis.call('ZREM', later, unpack(ids))
        local ready = {}
        for i, record in ipairs(redis.call('HMGET', key('j', name), unpack(ids))) do
            if record then
                ready[#ready + 1] = 128 - string.byte(record, 3)
                ready[#ready + 1] = ids[i]
            end
        end
        if #ready > 0 then
            redis.call('ZADD', key('r', name), unpack(ready))
        end
        if #ids == 500 then
            ring(name, 64)
        end
        first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
    end
    if first[2] and (not earliest or tonumber(first[2]) < earliest) then
        earliest = tonumber(first[2])
    end
end

-- Give those of `taken` (token, record, ...) other tokens that are like one that
-- is held: a job may be taken while one with its id, sent before it, isn't done.
local function make_unlike(held, taken)
    local tokens = {}
    for i = 1, #taken, 2 do
        tokens[#tokens + 1] = taken[i]
    end
    for i, before in ipairs(redis.call('HMGET', held, unpack(tokens))) do
        local token = tokens[i]
        while before do
            token = string.gsub(token, ':', ':0', 1)
            before = redis.call('HEXISTS', held, token) == 1
        end
        taken[2 * i - 1] = token
    end
end

local function take(name, options)
    local taken, fields, expired = {}, {}, 0

    local function hold(id, record, data)
        if string.len(record.entry) >= 12 and options and options.lifetime > 0
                and struct.unpack('>I8', record.entry, 3) <= now then
            expired = expired + 1
            forget(name, id, record)
            return
        end
        local token = token_of(id, record.deliveries, record)
        taken[#taken + 1] = token
        taken[#taken + 1] = data
    end

    local function take_jobs(lowest, highest)
        local ids = redis.call('ZRANGEBYSCORE', key('r', name), lowest, highest, 'LIMIT', 0, limit - #taken / 2)
        if #ids == 0 then
            return
        end
        redis.call('ZREM', key('r', name), unpack(ids))
        local records, over = redis.call('HMGET', key('j', name), unpack(ids)), {}
        for i, id in ipairs(ids) do
            over[2 * i - 1], over[2 * i] = id, id .. ':s'
        end
        redis.call('HDEL', key('j', name), unpack(over))
        for i, data in ipairs(records) do
            if data then
                hold(ids[i], unpack_record(data), data)
            end
        end
    end

    local number = 0
    local function take_entries(queue, is_old)
        local entries = #taken / 2 < limit and redis.call('LPOP', queue, limit - #taken / 2) or {}
        for _, entry in ipairs(entries or {}) do
            -- By its place in time, so that what is given back comes first.
            local id = string.format('%014x', (time[1] * 1000000 + time[2])) .. string.format('%04x', number)
            number = number + 1
            if is_old then
                keep_pieces(entry)
            end
            local sent = is_old and now or sent_at(entry, options)
            local record = {deliveries = 0, priority = 0, sent = sent, unique = '', entry = entry}
            hold(id, record, pack_record(0, 0, sent, '', entry))
        end
    end

    local has_jobs = redis.call('EXISTS', key('r', name)) == 1
    if has_jobs then
        take_jobs('-inf', '0')
    end
    take_entries(key('a', name), false)
    -- Where a sender puts them that doesn't know of acknowledged channels.
    take_entries(key('q', name), true)
    if has_jobs and #taken / 2 < limit then
        take_jobs('(0', '+inf')
    end
    count('expired', name, expired)
    if #taken > 0 then
        local held = key('t', name) .. ':' .. reader
        if has_jobs then
            make_unlike(held, taken)
        end
        redis.call('HSET', held, unpack(taken))
        redis.call('SADD', key('o', name), reader)
        -- Whoever takes is alive, also before its first beat here: after the
        -- server was away, for example.
        if redis.call('ZADD', base .. 'processes', now, string.match(reader, '^(.*)~')) == 1 then
            redis.call('PEXPIRE', base .. 'processes', 300000)
        end
    end
    return taken
end

-- Bells of what waits no more would wake other readers for nothing.
local function hush(name)
    local excess = redis.call('LLEN', key('n', name))
    if excess > 0 then
        excess = excess - waiting(name)
        if excess > 0 then
            redis.call('LPOP', key('n', name), excess)
        end
    end
end

-- One question instead of six: mostly nothing is there, of any kind.
local function is_empty(name)
    return redis.call('EXISTS', key('a', name), key('q', name), key('r', name), key('l', name), key('n', name)) == 0
end

local channel, found = '', {}
for i = 4, #ARGV, 2 do
    local options = declare(ARGV[i], ARGV[i + 1])
    if not is_empty(ARGV[i]) then
        promote(ARGV[i])
        if #found == 0 then
            found = take(ARGV[i], options)
            channel = #found > 0 and ARGV[i] or ''
            hush(ARGV[i])
        end
    end
end
if KEYS[2] and (#found > 0 or earliest and (ARGV[3] == '' or earliest < tonumber(ARGV[3]))) then
    redis.call('RPUSH', KEYS[2], 1)
    redis.call('PEXPIRE', KEYS[2], 2000)
end
return {earliest and string.format('%.0f', earliest) or '', channel, found}

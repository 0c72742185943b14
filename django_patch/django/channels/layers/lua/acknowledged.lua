-- What the scripts of acknowledged channels share; the client puts it before
-- each, behind prelude.lua. KEYS[1] is always the hash of counters, and the
-- keys of a channel are made from it: all are on one shard.
--   acknowledged        hash: channel -> its options, four numbers: capacity,
--                       lifetime in ms (0: for ever), deliveries, dead letters
--   a:<channel>         list of entries that wait, in the order they came
--   j:<channel>         hash: id -> record of a job that waits elsewhere, and
--                       id .. ':s' -> story of one that waits for a retry
--   r:<channel>         sorted set of the ids of those that may be received
--                       now, by -priority and then by id
--   l:<channel>         sorted set of those that are due later, by ms
--   t:<channel>:<reader>  hash: token -> record of what the reader holds
--   o:<channel>         set of readers that hold something, or did
--   x:<channel>         sorted set of the ids of dead letters, by ms of death
--   y:<channel>         hash: id -> record, and id .. ':s' -> story of a dead one
--   u:<channel>         hash: unique key -> id
--   n:<channel>         list that wakes readers
--   k:<identifier>      pieces of a message that an entry here refers to
-- The bytes of a record: deliveries before (2), priority + 128 (1), time of
-- sending in ms (8), size of the unique key (2), unique key, entry. An id is 14
-- hexadecimal digits, the microseconds of its time, and what makes it unique. A
-- token is an id, ":", the deliveries before, and "*" if more than the record
-- is to be deleted with it.

local base = string.sub(KEYS[1], 1, -#'statistics' - 1)

local function key(kind, name)
    return base .. kind .. ':' .. name
end

-- Not all scripts are told how long counters live: a day at least.
local function count(counter, name, number)
    if number ~= 0 then
        redis.call('HINCRBY', KEYS[1], counter .. ':' .. name, number)
        if redis.call('PTTL', KEYS[1]) < 86400000 then
            redis.call('PEXPIRE', KEYS[1], 86400000)
        end
    end
end

local function parse_options(text)
    local capacity, lifetime, deliveries, dead = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
    if capacity then
        return {
            capacity = tonumber(capacity), lifetime = tonumber(lifetime),
            deliveries = tonumber(deliveries), dead = tonumber(dead),
        }
    end
end

local function options_of(name)
    local text = redis.call('HGET', base .. 'acknowledged', name)
    return text and parse_options(text) or nil
end

-- Return the identifier of the pieces that an entry refers to, or nil.
local function pieces_of(entry)
    if #entry >= 12 and math.floor(string.byte(entry, 2) / 16) % 2 == 1 then
        local start = 13 + struct.unpack('>H', entry, 11)
        return string.sub(entry, start, start + 15)
    end
end

-- Pieces live as long as the entry that refers to them.
local function keep_pieces(entry)
    local identifier = pieces_of(entry)
    local pieces = identifier and key('b', identifier)
    if not pieces or redis.call('EXISTS', pieces) == 0 then
        return
    end
    local kept = key('k', identifier)
    if redis.call('HINCRBY', pieces, 'readers', -1) <= 0 then
        redis.call('RENAME', pieces, kept)
    else
        redis.call('COPY', pieces, kept)
    end
    redis.call('HSET', kept, 'readers', 1)
    redis.call('PERSIST', kept)
end

local function ring(name, number)
    local bell = key('n', name)
    local missing = math.min(number, 64) - redis.call('LLEN', bell)
    for _ = 1, missing do
        redis.call('RPUSH', bell, 1)
    end
    -- Readers look by themselves as often.
    redis.call('PEXPIRE', bell, 10000)
end

local function waiting(name)
    return redis.call('LLEN', key('a', name)) + redis.call('ZCARD', key('r', name))
end

local function pack_record(deliveries, priority, sent, unique, entry)
    return struct.pack('>HBI8H', deliveries, priority + 128, sent, #unique) .. unique .. entry
end

local function unpack_record(record)
    local deliveries, priority, sent, size = struct.unpack('>HBI8H', record)
    return {
        deliveries = deliveries, priority = priority - 128, sent = sent,
        unique = string.sub(record, 14, 13 + size), entry = string.sub(record, 14 + size),
    }
end

local function token_of(id, deliveries, record)
    local special = record.unique ~= '' or pieces_of(record.entry)
    return id .. ':' .. deliveries .. (special and '*' or '')
end

local function is_special(token)
    return string.sub(token, -1) == '*'
end

local function id_of(token)
    return string.match(token, '^(.*):')
end

-- Make room for others with the same unique key, once a job is over.
local function forget_unique(name, id, record)
    if record.unique ~= '' and redis.call('HGET', key('u', name), record.unique) == id then
        redis.call('HDEL', key('u', name), record.unique)
    end
end

local function forget_pieces(record)
    local identifier = pieces_of(record.entry)
    -- What a group has sent may belong to several channels.
    if identifier and redis.call('HINCRBY', key('k', identifier), 'readers', -1) <= 0 then
        redis.call('UNLINK', key('k', identifier))
    end
end

-- Delete what belongs to a job that is over.
local function forget(name, id, record)
    forget_unique(name, id, record)
    forget_pieces(record)
end

-- Have a job received when it is due; 0: as soon as it is its turn.
local function put(name, id, record, due)
    redis.call('HSET', key('j', name), id, pack_record(
        record.deliveries, record.priority, record.sent, record.unique, record.entry))
    if due > now then
        redis.call('ZADD', key('l', name), due, id)
        if redis.call('ZRANGE', key('l', name), 0, 0)[1] == id then
            ring(name, 1)
        end
    else
        redis.call('ZADD', key('r', name), 0 - record.priority, id)
        ring(name, waiting(name))
    end
end

local function drop_oldest_dead(name, capacity)
    local excess = redis.call('ZCARD', key('x', name)) - capacity
    if excess > 0 then
        for _, id in ipairs(redis.call('ZRANGE', key('x', name), 0, excess - 1)) do
            local record = redis.call('HGET', key('y', name), id)
            if record then
                forget_pieces(unpack_record(record))
            end
            redis.call('HDEL', key('y', name), id, id .. ':s')
            redis.call('ZREM', key('x', name), id)
        end
        count('dead_dropped', name, excess)
    end
end

-- Keep a job that nobody shall receive any more, with the story of its end.
local function bury(name, id, record, story, options)
    forget_unique(name, id, record)
    redis.call('ZADD', key('x', name), now, id)
    redis.call('HSET', key('y', name), id, pack_record(
        record.deliveries, record.priority, record.sent, record.unique, record.entry), id .. ':s', story)
    count('dead', name, 1)
    drop_oldest_dead(name, options and options.dead or 10000)
end

-- Return the record that a reader holds by this token, which it holds no more
-- then; or nil, if it was given to another.
local function let_go(name, reader, token)
    local held = key('t', name) .. ':' .. reader
    local record = redis.call('HGET', held, token)
    if record then
        redis.call('HDEL', held, token)
        return unpack_record(record)
    end
end

-- What is added to the time of sending for the deadline of an entry that has
-- none: 2^52.
local NEVER = 4503599627370496

-- A deadline of the channel's own, if there is one: the sender's doesn't count.
local function with_own_deadline(entry, options)
    local deadline = now + (options.lifetime > 0 and options.lifetime or NEVER)
    return string.sub(entry, 1, 2) .. struct.pack('>I8', deadline) .. string.sub(entry, 11)
end

-- When an entry was sent whose deadline is the channel's own.
local function sent_at(entry, options)
    local deadline = #entry >= 12 and struct.unpack('>I8', entry, 3) or 0
    local lifetime = options and options.lifetime or 0
    if deadline > NEVER then
        return deadline - NEVER
    end
    return lifetime > 0 and math.min(now, deadline - lifetime) or now
end

-- Set the options of a channel, unless they are ''; return what they are.
local function declare(name, text)
    local before = redis.call('HGET', base .. 'acknowledged', name)
    if text ~= '' and before ~= text then
        redis.call('HSET', base .. 'acknowledged', name, text)
        before = text
    end
    return before and parse_options(before) or nil
end

local function count_sent(name, number, statistics_lifetime)
    redis.call('HINCRBY', KEYS[1], 'sent:' .. name, number)
    redis.call('PEXPIRE', KEYS[1], statistics_lifetime)
end

local function count_full(name, statistics_lifetime)
    count('full', name, 1)
    redis.call('PEXPIRE', KEYS[1], statistics_lifetime)
end

-- Append the entries ARGV[first] to ARGV[last] until the channel is full, and
-- return how many were put.
local function append(name, options, statistics_lifetime, first, last)
    local before, done = waiting(name), 0
    for i = first, last do
        if before + done >= options.capacity then
            count_full(name, statistics_lifetime)
            break
        end
        redis.call('RPUSH', key('a', name), with_own_deadline(ARGV[i], options))
        keep_pieces(ARGV[i])
        done = done + 1
    end
    if done > 0 then
        ring(name, before + done)
        count_sent(name, done, statistics_lifetime)
    end
    return done
end

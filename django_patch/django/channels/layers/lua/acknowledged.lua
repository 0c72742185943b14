-- What the scripts of acknowledged channels share; the client puts it before
-- each, behind prelude.lua. What fewer of them need is in records.lua, and the
-- usual cases are in files of their own, ..._first.lua: to make a function for
-- one call takes about as long as a command. KEYS[1] is always the hash of
-- counters, and the keys of a channel are made from it: all are on one shard.
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
--   u:<channel>         hash: unique key -> id of the job that has it, and the
--                       time of sending in its record (8)
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
    if string.byte(entry, 2) >= 128 then
        -- A string, of a sender that took the channel for a normal one. What is
        -- kept is a hash, which readers of version 1 know, too.
        redis.call('HSET', kept, 0, redis.call('GETDEL', pieces), 'readers', 1)
        return
    end
    if redis.call('HINCRBY', pieces, 'readers', -1) <= 0 then
        redis.call('RENAME', pieces, kept)
    else
        redis.call('COPY', pieces, kept)
    end
    redis.call('HSET', kept, 'readers', 1)
    redis.call('PERSIST', kept)
end

-- Have as many readers wake as messages wait. A bell that hangs there already
-- needs no longer life: who waits for it would have taken it.
local function ring(name, number)
    local bell = key('n', name)
    local missing = math.min(number, 64) - redis.call('LLEN', bell)
    if missing > 0 then
        for _ = 1, missing do
            redis.call('RPUSH', bell, 1)
        end
        -- Readers look by themselves as often.
        redis.call('PEXPIRE', bell, 10000)
    end
end

local function waiting(name)
    return redis.call('LLEN', key('a', name)) + redis.call('ZCARD', key('r', name))
end

-- What is added to the time of sending for the deadline of an entry that has
-- none: 2^52.
local NEVER = 4503599627370496

-- A deadline of the channel's own, if there is one. That of a sender which is
-- right is kept, as in sending.lua: two copies of the message less.
local function with_own_deadline(entry, options)
    local deadline = now + (options.lifetime > 0 and options.lifetime or NEVER)
    if math.abs(struct.unpack('>I8', entry, 3) - deadline) <= 100 then
        return entry
    end
    return string.sub(entry, 1, 2) .. struct.pack('>I8', deadline) .. string.sub(entry, 11)
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
    if redis.call('HINCRBY', KEYS[1], 'sent:' .. name, number) == number then
        redis.call('PEXPIRE', KEYS[1], statistics_lifetime)
    end
end

local function count_full(name, statistics_lifetime)
    count('full', name, 1)
    redis.call('PEXPIRE', KEYS[1], statistics_lifetime)
end

-- Append the entries ARGV[first] to ARGV[last] until the channel is full, and
-- return how many were put.
local function append(name, options, statistics_lifetime, first, last)
    local queue, jobs = key('a', name), redis.call('ZCARD', key('r', name))
    local waits, done = 0, 0
    for i = first, last do
        -- First put, then look: the usual case is one command shorter.
        local length = redis.call('RPUSH', queue, with_own_deadline(ARGV[i], options))
        if length + jobs > options.capacity then
            redis.call('RPOP', queue)
            count_full(name, statistics_lifetime)
            break
        end
        keep_pieces(ARGV[i])
        waits, done = length + jobs, done + 1
    end
    if done > 0 then
        ring(name, waits)
        count_sent(name, done, statistics_lifetime)
    end
    return done
end

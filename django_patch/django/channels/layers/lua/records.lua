-- What the scripts of acknowledged channels share that handle records, behind
-- acknowledged.lua; see there what a record is.

local function options_of(name)
    local text = redis.call('HGET', base .. 'acknowledged', name)
    return text and parse_options(text) or nil
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

-- What u:<channel> has of a job with a unique key. Jobs with one id differ by
-- when they were sent.
local function owner_of(id, record)
    return id .. struct.pack('>I8', record.sent)
end

-- Free the unique key of a job that is over, if it has it; one with its id and
-- key that waits gets it.
local function forget_unique(name, id, record)
    if record.unique == '' or redis.call('HGET', key('u', name), record.unique) ~= owner_of(id, record) then
        return
    end
    local heir = redis.call('HGET', key('j', name), id)
    heir = heir and unpack_record(heir)
    if heir and heir.unique == record.unique then
        redis.call('HSET', key('u', name), record.unique, owner_of(id, heir))
    else
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

-- Have a job received when it is due; 0: as soon as it is its turn. Return
-- whether that was done: one that was held gives way to a newer one with its id.
local function put(name, id, record, due)
    if redis.call('HSETNX', key('j', name), id, pack_record(
            record.deliveries, record.priority, record.sent, record.unique, record.entry)) == 0 then
        local newer = unpack_record(redis.call('HGET', key('j', name), id))
        forget_unique(name, id, record)
        if pieces_of(newer.entry) ~= pieces_of(record.entry) then
            forget_pieces(record)
        end
        count('cancelled', name, 1)
        return false
    end
    if due > now then
        redis.call('ZADD', key('l', name), due, id)
        if redis.call('ZRANGE', key('l', name), 0, 0)[1] == id then
            ring(name, 1)
        end
    else
        redis.call('ZADD', key('r', name), 0 - record.priority, id)
        ring(name, waiting(name))
    end
    return true
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
    if redis.call('ZADD', key('x', name), now, id) == 0 then
        -- An older one with its id gives way to it.
        local older = redis.call('HGET', key('y', name), id)
        if older and pieces_of(unpack_record(older).entry) ~= pieces_of(record.entry) then
            forget_pieces(unpack_record(older))
        end
        count('dead_dropped', name, 1)
    end
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

-- When an entry was sent whose deadline is the channel's own.
local function sent_at(entry, options)
    local deadline = #entry >= 12 and struct.unpack('>I8', entry, 3) or 0
    local lifetime = options and options.lifetime or 0
    if deadline > NEVER then
        return deadline - NEVER
    end
    return lifetime > 0 and math.min(now, deadline - lifetime) or now
end

-- Delete jobs that wait, or dead letters; or have dead letters received again.
--
-- KEYS[1]  statistics           hash of counters
-- ARGV[1]  channel
-- ARGV[2]  what to do           'cancel' (a job that waits), 'delete' or
--                               'replay' (a dead letter)
-- ARGV[3]  id, ...
-- Returns for how many it was done.

local name, action, done = ARGV[1], ARGV[2], 0
local options

-- Say whether a dead letter stays: a newer job with its id waits, or one with its
-- unique key is there.
local function stays(id, record)
    return redis.call('HEXISTS', key('j', name), id) == 1
        or record.unique ~= '' and redis.call('HEXISTS', key('u', name), record.unique) == 1
end

for i = 3, #ARGV do
    local id = ARGV[i]
    local source = action == 'cancel' and key('j', name) or key('y', name)
    local data = redis.call('HGET', source, id)
    local record = data and unpack_record(data)
    local has_to_stay = action == 'replay' and record and stays(id, record)
    -- Also an id without a record, which nothing else would find.
    if action == 'cancel' then
        redis.call('ZREM', key('r', name), id)
        redis.call('ZREM', key('l', name), id)
    elseif not has_to_stay then
        redis.call('ZREM', key('x', name), id)
    end
    if record and not has_to_stay then
        done = done + 1
        redis.call('HDEL', source, id, id .. ':s')
        if action == 'replay' then
            record.deliveries = 0
            options = options or options_of(name)
            record.entry = options and with_own_deadline(record.entry, options) or record.entry
            if record.unique ~= '' then
                redis.call('HSET', key('u', name), record.unique, owner_of(id, record))
            end
            put(name, id, record, 0)
        else
            forget(name, id, record)
            if action == 'cancel' then
                -- What is known of a job that never was.
                redis.call('UNLINK', base .. 's:' .. id)
            end
        end
    end
end
count(action == 'replay' and 'replayed' or action == 'delete' and 'deleted' or 'cancelled', name, done)
return done

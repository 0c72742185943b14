-- Delete jobs that wait, or dead letters; or have dead letters received again.
--
-- KEYS[1]  statistics           hash of counters
-- ARGV[1]  channel
-- ARGV[2]  what to do           'cancel' (a job that waits), 'delete' or
--                               'replay' (a dead letter)
-- ARGV[3]  id, ...
-- Returns for how many it was done.

local name, action, done = ARGV[1], ARGV[2], 0
for i = 3, #ARGV do
    local id = ARGV[i]
    local source = action == 'cancel' and key('j', name) or key('y', name)
    local data = redis.call('HGET', source, id)
    -- A dead letter stays while a newer job with its id waits.
    local is_replaced = action == 'replay' and redis.call('HEXISTS', key('j', name), id) == 1
    -- Also an id without a record, which nothing else would find.
    if action == 'cancel' then
        redis.call('ZREM', key('r', name), id)
        redis.call('ZREM', key('l', name), id)
    elseif not is_replaced then
        redis.call('ZREM', key('x', name), id)
    end
    if data and not is_replaced then
        local record = unpack_record(data)
        done = done + 1
        redis.call('HDEL', source, id, id .. ':s')
        if action == 'replay' then
            record.deliveries = 0
            put(name, id, record, 0)
        else
            forget(name, id, record)
        end
    end
end
count(action == 'replay' and 'replayed' or action == 'delete' and 'deleted' or 'cancelled', name, done)
return done

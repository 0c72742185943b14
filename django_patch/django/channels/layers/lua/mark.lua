-- What received.lua, group_add.lua, group_discard.lua and hello.lua share; the
-- client puts it before each. A mark is the server's time in microseconds, or
-- one more than the mark before if that is more. Whoever knows a later mark
-- than the server has knows that the server went back to older data.

-- Note in the hash of counters that something was done which must not be
-- undone. Return the mark, as text.
local function mark(statistics, at_least)
    local time = redis.call('TIME')
    local before = tonumber(redis.call('HGET', statistics, 'mark') or 0)
    local after = string.format('%.0f', math.max(time[1] * 1000000 + time[2], before + 1, at_least))
    redis.call('HSET', statistics, 'mark', after)
    return after
end

-- The same, unless nobody has said hello yet: without an epoch the hash has
-- no expiry, and nothing that a mark could belong to.
local function mark_if_known(statistics)
    if statistics and redis.call('HEXISTS', statistics, 'epoch') == 1 then
        return mark(statistics, 0)
    end
end

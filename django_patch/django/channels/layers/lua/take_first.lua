-- The usual cases of take.lua: others have their turn, nothing is there, or
-- nothing but entries that wait in a line and don't expire. They are carried
-- out before the functions are made that other cases need, and do what those
-- would do.

if KEYS[3] and redis.call('EXISTS', unpack(KEYS, 3)) > 0 then
    return {ARGV[3], '', {}}
end

do
    local base, limit = string.sub(KEYS[1], 1, -#'statistics' - 1), tonumber(ARGV[2])
    local is_usual, busy = limit > 0, {}
    for i = 4, #ARGV, 2 do
        local name = ARGV[i]
        local options = redis.call('HGET', base .. 'acknowledged', name)
        if not options or ARGV[i + 1] ~= '' and options ~= ARGV[i + 1] or not string.match(options, '^%d+ 0 ') then
            is_usual = false
            break
        end
        local queue, bell = base .. 'a:' .. name, base .. 'n:' .. name
        -- One question instead of five, which counts a key as often as it is
        -- named: four for either list, and one for what else is there.
        local there = redis.call(
            'EXISTS', base .. 'r:' .. name, base .. 'l:' .. name, base .. 'q:' .. name,
            queue, queue, queue, queue, bell, bell, bell, bell)
        if there % 4 > 0 then
            is_usual = false
            break
        end
        if there > 0 then
            busy[#busy + 1] = name
        end
    end
    if is_usual then
        local channel, found, sub, byte = '', {}, string.sub, string.byte
        for _, name in ipairs(busy) do
            local queue, bell = base .. 'a:' .. name, base .. 'n:' .. name
            local entries = redis.call('LPOP', queue, limit)
            if entries and #entries > 0 then
                local time = redis.call('TIME')
                local now = time[1] * 1000 + math.floor(time[2] / 1000)
                local start = string.format('%014x', time[1] * 1000000 + time[2])
                for index, entry in ipairs(entries) do
                    local mark, sent = ':0', sub(entry, 5, 10)
                    if #entry >= 12 and byte(entry, 2) % 32 >= 16 then
                        mark = ':0*'
                    end
                    -- 2^52 is for those without a deadline; see acknowledged.lua.
                    if #entry < 12 or sub(entry, 3, 4) ~= '\0\16' then
                        sent = sub(struct.pack('>I8', now), 3)
                    end
                    -- As struct.pack('>HBI8H', 0, 128, sent, 0) has it.
                    found[2 * index - 1] = start .. string.format('%04x', index - 1) .. mark
                    found[2 * index] = '\0\0\128\0\0' .. sent .. '\0\0' .. entry
                end
                channel = name
                redis.call('HSET', base .. 't:' .. name .. ':' .. ARGV[1], unpack(found))
                redis.call('SADD', base .. 'o:' .. name, ARGV[1])
                if redis.call('ZADD', base .. 'processes', now, string.match(ARGV[1], '^(.*)~')) == 1 then
                    redis.call('PEXPIRE', base .. 'processes', 300000)
                end
            end
            -- Bells of what waits no more; there are never more than 64.
            if not entries or #entries < limit then
                redis.call('DEL', bell)
            else
                local waits = redis.call('LLEN', queue)
                local excess = waits < 64 and redis.call('LLEN', bell) - waits or 0
                if excess > 0 then
                    redis.call('LPOP', bell, excess)
                end
            end
            if #found > 0 then
                break
            end
        end
        if KEYS[2] and #found > 0 then
            redis.call('RPUSH', KEYS[2], 1)
            redis.call('PEXPIRE', KEYS[2], 2000)
        end
        return {'', channel, found}
    end
end


-- The usual cases of take.lua: nothing is there, or nothing but entries that
-- wait in a line and don't expire. They are carried out before the functions
-- are made that other cases need, and do what those would do.

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
        local jobs, later, old = base .. 'r:' .. name, base .. 'l:' .. name, base .. 'q:' .. name
        -- One question instead of five: mostly nothing is there, of any kind.
        if redis.call('EXISTS', base .. 'a:' .. name, base .. 'n:' .. name, jobs, later, old) > 0 then
            if redis.call('EXISTS', jobs, later, old) > 0 then
                is_usual = false
                break
            end
            busy[#busy + 1] = name
        end
    end
    if is_usual then
        local channel, found = '', {}
        for _, name in ipairs(busy) do
            local queue, bell = base .. 'a:' .. name, base .. 'n:' .. name
            local entries = redis.call('LPOP', queue, limit)
            if entries and #entries > 0 then
                local time = redis.call('TIME')
                local now = time[1] * 1000 + math.floor(time[2] / 1000)
                local start = string.format('%014x', time[1] * 1000000 + time[2])
                for index, entry in ipairs(entries) do
                    local deadline, mark = #entry >= 12 and struct.unpack('>I8', entry, 3) or 0, ':0'
                    if #entry >= 12 and math.floor(string.byte(entry, 2) / 16) % 2 == 1 then
                        mark = ':0*'
                    end
                    -- 2^52 is for those without a deadline; see acknowledged.lua.
                    local sent = deadline > 4503599627370496 and deadline - 4503599627370496 or now
                    found[2 * index - 1] = start .. string.format('%04x', index - 1) .. mark
                    found[2 * index] = struct.pack('>HBI8H', 0, 128, sent, 0) .. entry
                end
                channel = name
                redis.call('HSET', base .. 't:' .. name .. ':' .. ARGV[1], unpack(found))
                redis.call('SADD', base .. 'o:' .. name, ARGV[1])
                if redis.call('ZADD', base .. 'processes', now, string.match(ARGV[1], '^(.*)~')) == 1 then
                    redis.call('PEXPIRE', base .. 'processes', 300000)
                end
            end
            local excess = redis.call('LLEN', bell)
            if excess > 0 then
                excess = excess - redis.call('LLEN', queue)
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


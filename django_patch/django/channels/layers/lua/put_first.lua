-- The usual case of put.lua: entries that are to wait in a line, without pieces,
-- on a channel whose options are known. It is carried out before the functions
-- are made that other cases need, and does what those would do.

do
    local base, name = string.sub(KEYS[1], 1, -#'statistics' - 1), ARGV[1]
    local options = ARGV[4] == '' and redis.call('HGET', base .. 'acknowledged', name)
    local is_usual = options and (ARGV[2] == '' or ARGV[2] == options)
    for i = 9, #ARGV do
        is_usual = is_usual and #ARGV[i] >= 12 and math.floor(string.byte(ARGV[i], 2) / 16) % 2 == 0
    end
    if is_usual then
        local capacity, lifetime = string.match(options, '^(%d+) (%d+) ')
        capacity, lifetime = tonumber(capacity), tonumber(lifetime)
        local time = redis.call('TIME')
        -- 2^52 is for those without a lifetime; see acknowledged.lua.
        local deadline = time[1] * 1000 + math.floor(time[2] / 1000)
            + (lifetime > 0 and lifetime or 4503599627370496)
        local queue, jobs = base .. 'a:' .. name, redis.call('ZCARD', base .. 'r:' .. name)
        local waits, done = 0, 0
        for i = 9, #ARGV do
            -- What the sender believes is kept if it is right, as in sending.lua.
            local entry = ARGV[i]
            if math.abs(struct.unpack('>I8', entry, 3) - deadline) > 100 then
                entry = string.sub(entry, 1, 2) .. struct.pack('>I8', deadline) .. string.sub(entry, 11)
            end
            -- First put, then look: that is one command less.
            local length = redis.call('RPUSH', queue, entry)
            if length + jobs > capacity then
                redis.call('RPOP', queue)
                redis.call('HINCRBY', KEYS[1], 'full:' .. name, 1)
                redis.call('PEXPIRE', KEYS[1], ARGV[3])
                break
            end
            waits, done = length + jobs, done + 1
        end
        if done > 0 then
            local bell = base .. 'n:' .. name
            local missing = math.min(waits, 64) - redis.call('LLEN', bell)
            if missing > 0 then
                for _ = 1, missing do
                    redis.call('RPUSH', bell, '1')
                end
                redis.call('PEXPIRE', bell, '10000')
            end
            -- Redis takes longer to write a number as text.
            if redis.call('HINCRBY', KEYS[1], 'sent:' .. name, done == 1 and '1' or done) == done then
                redis.call('PEXPIRE', KEYS[1], ARGV[3])
            end
        end
        return done
    end
end


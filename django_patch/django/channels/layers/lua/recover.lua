-- Give back what readers held that are no more.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  processes            sorted set: process -> its last beat in ms
-- ARGV[1]  lifetime             ms after its last beat that a process is alive
-- ARGV[2]  limit                messages to give back at most
-- ARGV[3]  statistics' lifetime ms
-- ARGV[4]  story                JSON: of a job whose readers died too often
-- ARGV[5]  process              that asks
-- ARGV[6]  generation           how often it has seen the server lose something:
--                               what it held before, it holds no more
-- Returns {channel, reader, given back, dead, ...}.

local budget, report = tonumber(ARGV[2]), {}

local function is_dead(reader)
    local process, generation = string.match(reader, '^(.*)~(%d+)$')
    local beat = process and redis.call('ZSCORE', KEYS[2], process)
    return not beat or tonumber(beat) <= now - tonumber(ARGV[1])
        or process == ARGV[5] and tonumber(generation) < tonumber(ARGV[6])
end

local function recover(name, reader, options)
    local held = key('t', name) .. ':' .. reader
    local cursor, returned, dead = '0', 0, 0
    repeat
        local page = redis.call('HSCAN', held, cursor, 'COUNT', 100)
        cursor = page[1]
        for i = 1, #page[2], 2 do
            local token, record = page[2][i], unpack_record(page[2][i + 1])
            if redis.call('HDEL', held, token) == 1 then
                record.deliveries = math.min(record.deliveries + 1, 65535)
                if options and record.deliveries >= options.deliveries then
                    bury(name, id_of(token), record, ARGV[4], options)
                    dead = dead + 1
                elseif put(name, id_of(token), record, 0) then
                    returned = returned + 1
                end
            end
        end
        budget = budget - #page[2] / 2
    until cursor == '0' or budget <= 0
    if redis.call('EXISTS', held) == 0 then
        redis.call('SREM', key('o', name), reader)
    end
    if returned + dead > 0 then
        count('given_back', name, returned)
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        for _, value in ipairs({name, reader, returned, dead}) do
            report[#report + 1] = value
        end
    end
end

for _, name in ipairs(redis.call('HKEYS', base .. 'acknowledged')) do
    -- What old senders put there, who know nothing of acknowledgement.
    redis.call('PERSIST', key('q', name))
    local options
    for _, reader in ipairs(redis.call('SMEMBERS', key('o', name))) do
        if budget > 0 and is_dead(reader) then
            options = options or options_of(name)
            recover(name, reader, options)
        end
    end
end
return report

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
-- Of processes that look every two seconds one came less than AWAY ago, or
-- nobody could be heard meanwhile: the server was away, or its clock was set.
-- Then who holds something and is listed counts as heard now, once in AGAIN, or
-- the dead would never be found where all look that seldom. After EXPIRED, who
-- isn't listed may be alive, too: the list has expired.

local AWAY, AGAIN, EXPIRED = 5000, 30000, 250000
local budget, report = tonumber(ARGV[2]), {}
local names = redis.call('HKEYS', base .. 'acknowledged')

-- Return how many ms ago the time was that a field of the counters' hash has.
local function age_of(field)
    local noted = redis.call('HGET', KEYS[1], field)
    return noted and now - noted
end

local function note(field)
    redis.call('HSET', KEYS[1], field, string.format('%.0f', now))
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end

local function spare(reader, is_listed)
    local process = string.match(reader, '^(.*)~%d+$')
    if process and (not is_listed or redis.call('ZSCORE', KEYS[2], process)) then
        redis.call('ZADD', KEYS[2], now, process)
        redis.call('PEXPIRE', KEYS[2], 300000)
        return true
    end
end

local function spare_all(is_listed)
    local number = 0
    for _, name in ipairs(names) do
        for _, reader in ipairs(redis.call('SMEMBERS', key('o', name))) do
            if redis.call('EXISTS', key('t', name) .. ':' .. reader) == 1 and spare(reader, is_listed) then
                number = number + 1
            end
        end
    end
    return number
end

-- Find out whether nobody could be heard.
local function look()
    local pause, spared = age_of('looked'), age_of('spared')
    if not pause or math.abs(pause) >= 1000 then
        note('looked')
    end
    if not pause or pause >= -1000 and pause < AWAY or spared and spared >= 0 and spared < AGAIN then
        return
    end
    if spare_all(pause < EXPIRED) > 0 then
        note('spared')
    end
end

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
    if returned > 0 then
        -- Wake all: the bell of one that is frozen, too, is gone, and the
        -- others would look by themselves only later.
        ring(name, 64)
    end
    if returned + dead > 0 then
        count('given_back', name, returned)
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        for _, value in ipairs({name, reader, returned, dead}) do
            report[#report + 1] = value
        end
    end
end

-- Who asks is alive, even if it was stopped for longer than that: nobody has
-- given back what it holds, so it goes on with that.
redis.call('ZADD', KEYS[2], 'XX', now, ARGV[5])
if #names > 0 then
    look()
end
for _, name in ipairs(names) do
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

-- What a client asks first on a connection, and a reader now and then.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  a key that holds nothing
-- ARGV[1]  epoch                proposed; random
-- ARGV[2]  statistics' lifetime ms
-- ARGV[3]  version              newest of entries that the client reads
-- ARGV[4]  mark (optional)      the latest that the client knows; 0: none
-- ARGV[5]  epoch (optional)     that it belongs to, '' if there is none
-- ARGV[6]  mark (optional)      the latest of a change of groups; 0: none
-- ARGV[7]  run (optional)       that the marks belong to, '' if there is none
-- Returns {seconds, microseconds, epoch, 1 if LMPOP and BLMPOP are there,
-- lowest version, and if a mark was given: mark, run, 1 if the server went
-- back}.
-- The epoch is the first client's proposal. Another one than before says that
-- the server has lost what it held. The lowest version is that of all who
-- said hello lately: an entry of a later one would not be read by somebody.
-- The run is the server's process; for each that ended, the mark is kept that
-- the next one began with. A client that knows a later mark of that run has
-- seen what this server has not: it went back to an older dump, or is a
-- replica that lagged. What the client took it drops itself (forget.lua); if
-- groups have changed, nobody can tell which, and a new epoch tells everybody.

local LATELY = 180000
local statistics = KEYS[1]

-- Return the server's process; '' if the client may not ask.
local function run_id()
    local info = redis.pcall('INFO', 'server')
    return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end

-- Note a run that is new, and with which mark it began.
local function begin_run(run, last, now)
    local before = redis.call('HGET', statistics, 'run')
    if run == '' or run == before then
        return
    end
    for _, field in ipairs(redis.call('HKEYS', statistics)) do
        if string.sub(field, 1, 6) == 'after:' then
            local age = now - redis.call('HGET', statistics, field) / 1000
            if age > tonumber(ARGV[2]) then
                redis.call('HDEL', statistics, field)
            end
        end
    end
    if before then
        redis.call('HSET', statistics, 'after:' .. before, string.format('%.0f', last))
    end
    redis.call('HSET', statistics, 'run', run)
end

-- Say whether what got the mark `known` in run `known_run` is not here.
local function is_lost(known, known_run, run, last)
    if known == 0 or known_run == run and run ~= '' then
        return false
    elseif known_run ~= '' and run ~= '' then
        -- A run that nobody noted is lost, too.
        last = tonumber(redis.call('HGET', statistics, 'after:' .. known_run) or -1)
    end
    return known > last
end

-- Have all processes hear, once, that who held what is as old as the rest.
local function forget_processes(run)
    if run == '' or redis.call('HGET', statistics, 'went_back') ~= run then
        redis.call('HSET', statistics, 'went_back', run)
        local start = string.sub(statistics, 1, -#'statistics' - 1)
        redis.call('DEL', start .. 'processes', start .. 'facts')
    end
end

-- First what takes no memory: a server without any left lets a script write on
-- that has begun, and who comes to see what fills it, or to remove it, must get
-- in.
redis.call('PEXPIRE', statistics, ARGV[2])
redis.call('HSETNX', statistics, 'epoch', ARGV[1])
local pops = redis.pcall('LMPOP', 1, KEYS[2], 'LEFT')
local many = 1
if type(pops) == 'table' and pops.err then
    many = 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', statistics, 'reads:' .. ARGV[3], string.format('%.0f', now))
local lowest = tonumber(ARGV[3])
for version = 1, lowest - 1 do
    local field = 'reads:' .. version
    local seen = redis.call('HGET', statistics, field)
    if seen and tonumber(seen) > now - LATELY then
        lowest = version
        break
    elseif seen then
        redis.call('HDEL', statistics, field)
    end
end

local run = run_id()
local last = tonumber(redis.call('HGET', statistics, 'mark') or 0)
begin_run(run, last, now)
local latest, went_back
if ARGV[4] then
    local known, known_run = tonumber(ARGV[4]), ARGV[7] or ''
    latest, went_back = 0, 0
    if redis.call('HGET', statistics, 'epoch') == ARGV[5] and is_lost(known, known_run, run, last) then
        latest, went_back = known + 1, 1
        forget_processes(run)
        if is_lost(tonumber(ARGV[6] or ARGV[4]), known_run, run, last) then
            redis.call('HSET', statistics, 'epoch', ARGV[1])
        end
    end
    latest = mark(statistics, latest)
end
redis.call('PEXPIRE', statistics, ARGV[2])
return {time[1], time[2], redis.call('HGET', statistics, 'epoch'), many, lowest, latest, run, went_back}

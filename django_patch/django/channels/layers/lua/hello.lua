-- What a client asks first on a connection, and a reader now and then.
--
-- KEYS[1]  statistics           hash of counters
-- KEYS[2]  a key that holds nothing
-- ARGV[1]  epoch                proposed; random
-- ARGV[2]  statistics' lifetime ms
-- ARGV[3]  version              newest of entries that the client reads
-- ARGV[4]  mark (optional)      the latest that the client knows; 0: none
-- ARGV[5]  epoch (optional)     that it belongs to, '' if there is none
-- Returns {seconds, microseconds, epoch, 1 if LMPOP and BLMPOP are there,
-- lowest version, mark (if one was given)}.
-- The epoch is the first client's proposal. Another one than before says that
-- the server has lost what it held. The lowest version is that of all who
-- said hello lately: an entry of a later one would not be read by somebody.
-- A client that knows a later mark of this epoch has seen what this server has
-- not: it went back to an older dump, or is a replica that lagged. What is
-- here may have been received, and groups may have changed, so all of it goes,
-- and a new epoch tells everybody.

local LATELY = 180000
-- Queues and what belongs to them, groups, pieces.
local CONTENT = '[bdgmpq]:*'

local function forget_content()
    local start = string.sub(KEYS[1], 1, -#'statistics' - 1)
    -- Who held what is as old as the rest: all processes hear it at their next
    -- beat.
    redis.call('DEL', start .. 'processes', start .. 'facts')
    local base = string.gsub(start, '[*?%[%]\\]', '\\%0')
    local cursor = '0'
    repeat
        local page = redis.call('SCAN', cursor, 'MATCH', base .. CONTENT, 'COUNT', 1000)
        cursor = page[1]
        for _, key in ipairs(page[2]) do
            redis.call('DEL', key)
        end
    until cursor == '0'
end

redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local pops = redis.pcall('LMPOP', 1, KEYS[2], 'LEFT')
local many = 1
if type(pops) == 'table' and pops.err then
    many = 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'reads:' .. ARGV[3], string.format('%.0f', now))
local lowest = tonumber(ARGV[3])
for version = 1, lowest - 1 do
    local field = 'reads:' .. version
    local seen = redis.call('HGET', KEYS[1], field)
    if seen and tonumber(seen) > now - LATELY then
        lowest = version
        break
    elseif seen then
        redis.call('HDEL', KEYS[1], field)
    end
end
local latest
if ARGV[4] then
    local known = tonumber(ARGV[4])
    local went_back = known > tonumber(redis.call('HGET', KEYS[1], 'mark') or 0)
    if went_back and redis.call('HGET', KEYS[1], 'epoch') == ARGV[5] then
        forget_content()
        redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
        latest = mark(KEYS[1], known + 1)
    else
        latest = mark(KEYS[1], 0)
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {time[1], time[2], redis.call('HGET', KEYS[1], 'epoch'), many, lowest, latest}

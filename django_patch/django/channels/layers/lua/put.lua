-- Put messages on an acknowledged channel.
--
-- KEYS[1]  statistics           hash of counters
-- ARGV[1]  channel
-- ARGV[2]  options              as the hash has them (see acknowledged.lua),
--                               or '' to leave what is there
-- ARGV[3]  statistics' lifetime ms
-- ARGV[4]  id                   or '': entries that are to wait in a line
-- ARGV[5]  due                  ms from now, or "@" and ms of the server's clock
-- ARGV[6]  priority             -100 to 100
-- ARGV[7]  unique key           or ''
-- ARGV[8]  conflict             'refuse' or 'replace': what to do if there is
--                               a job with that key
-- ARGV[9]  entry                more may follow, if there is no id
-- Returns how many were put; the first that didn't fit ends it. With a unique
-- key that a job has already, and 'refuse', the id of that job.

local name, id, statistics_lifetime = ARGV[1], ARGV[4], ARGV[3]

local function is_over(entry, options)
    return #entry >= 12 and options.lifetime > 0 and struct.unpack('>I8', entry, 3) <= now
end

-- The lifetime of one that is due later begins then.
local function with_deadline_after(entry, options, due)
    entry = with_own_deadline(entry, options)
    if options.lifetime > 0 and due > now then
        entry = string.sub(entry, 1, 2) .. struct.pack('>I8', due + options.lifetime) .. string.sub(entry, 11)
    end
    return entry
end

local options = declare(name, ARGV[2])
if id == '' then
    return append(name, options, statistics_lifetime, 9, #ARGV)
end

local unique = ARGV[7]
local due = string.sub(ARGV[5], 1, 1) == '@' and tonumber(string.sub(ARGV[5], 2)) or now + tonumber(ARGV[5])
local owner = unique ~= '' and redis.call('HGET', key('u', name), unique)
local before = owner and string.sub(owner, 1, -9)
local waits = before and redis.call('HGET', key('j', name), before)
if waits and is_over(unpack_record(waits).entry, options) then
    -- Nobody will receive it, and nobody has looked since.
    redis.call('HDEL', key('j', name), before, before .. ':s')
    redis.call('ZREM', key('r', name), before)
    redis.call('ZREM', key('l', name), before)
    forget(name, before, unpack_record(waits))
    count('expired', name, 1)
    before = nil
end
if before and ARGV[8] == 'refuse' then
    return before
end
if due <= now and waiting(name) >= options.capacity then
    count_full(name, statistics_lifetime)
    return 0
end
local sent = math.max(now, due)
if before == id and redis.call('HEXISTS', key('j', name), id) == 0 then
    -- One that is held may have been sent in this millisecond.
    sent = math.max(sent, struct.unpack('>I8', owner, #id + 1) + 1)
end
-- Those that wait give way to it: the one with its key, and the one with its
-- id, whose time and key may be others.
for _, other in ipairs(before and before ~= id and {before, id} or {id}) do
    local data = redis.call('HGET', key('j', name), other)
    -- One that is held runs to its end; the key is the new one's.
    if data then
        redis.call('HDEL', key('j', name), other, other .. ':s')
        redis.call('ZREM', key('r', name), other)
        redis.call('ZREM', key('l', name), other)
        local record = unpack_record(data)
        forget_unique(name, other, record)
        if pieces_of(record.entry) ~= pieces_of(ARGV[9]) then
            forget_pieces(record)
        end
        count('cancelled', name, 1)
    end
end
local record = {
    deliveries = 0, priority = tonumber(ARGV[6]), sent = sent, unique = unique,
    entry = with_deadline_after(ARGV[9], options, due),
}
if unique ~= '' then
    redis.call('HSET', key('u', name), unique, owner_of(id, record))
end
keep_pieces(ARGV[9])
put(name, id, record, due)
count_sent(name, 1, statistics_lifetime)
return 1

-- Have what a reader holds be received later, or never.
--
-- KEYS[1]  statistics           hash of counters
-- ARGV[1]  reader
-- ARGV[2]  channel
-- ARGV[3]  token
-- ARGV[4]  what to do           'release' (as if it had not been received),
--                               'retry', 'later' (as retry, asked for by the
--                               consumer), or 'bury'
-- ARGV[5]  delay                ms
-- ARGV[6]  deliveries           at most, 0: as many as the channel's options say
-- ARGV[7]  story                JSON: of what went wrong
-- Returns 'gone' if the reader holds it no more, or a newer one with its id waits,
-- which is what is left of both; else what was done: 'released', 'retried',
-- 'deferred' or 'dead'.

local reader, name, token, action = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local record = let_go(name, reader, token)
if not record then
    return 'gone'
end
local id, options = id_of(token), options_of(name)
if action == 'release' then
    return put(name, id, record, 0) and 'released' or 'gone'
end
record.deliveries = math.min(record.deliveries + 1, 65535)
local most = tonumber(ARGV[6])
if most == 0 then
    most = options and options.deliveries or 20
end
if action == 'bury' or record.deliveries >= most then
    bury(name, id, record, ARGV[7], options)
    return 'dead'
end
if not put(name, id, record, now + tonumber(ARGV[5])) then
    return 'gone'
end
if action == 'later' then
    count('deferred', name, 1)
    return 'deferred'
end
if ARGV[7] ~= '' then
    redis.call('HSET', key('j', name), id .. ':s', ARGV[7])
end
count('retried', name, 1)
return 'retried'

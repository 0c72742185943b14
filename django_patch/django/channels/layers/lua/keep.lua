-- Keep an entry that RPUSH has put on a queue, or take it back: the command
-- before this one in the same transaction. So its bytes pass through no script.
-- That has put a mark behind it: with an argument behind the entry, Redis reads
-- the end of that, and what follows, in one go, and answers once.
--
-- KEYS[1]  queue                list of entries, the last a mark
-- KEYS[2]  statistics           hash of counters
-- KEYS[3]  pending (!)          as for send.lua; or
--          acknowledged
-- ARGV[1]  lifetime, ... ARGV[5] client capacity, as for send.lua
-- ARGV[6]  label                of the entry
-- ARGV[7]  deadline             of the entry; also the mark
-- Returns how many entries there are with it; 0 if there is no room, -1 if the
-- channel is an acknowledged one, -2 if it has to be sent by send.lua, since
-- its deadline is wrong or something at the head of the queue has expired.

local call, keys, argv = redis.call, KEYS, ARGV
local queue, pending, lifetime, name = keys[1], keys[3], argv[1], argv[3]
local client_capacity, label = tonumber(argv[5]), argv[6]
local mark = call('RPOP', queue)
if mark ~= argv[7] then
    -- There was no transaction, and others came in between.
    call('RPUSH', queue, mark)
    return redis.error_reply('ERR keep.lua was called without a transaction')
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local length, has_room = call('LLEN', queue), true
local answer = length
if not client_capacity and call('HEXISTS', pending, name) == 1 then
    answer = -1
elseif math.abs(argv[7] - lifetime - now) > 100 then
    answer = -2
elseif length > argv[2] + 0 then
    has_room = false
elseif client_capacity and call('HINCRBY', pending, label, '1') > client_capacity then
    call('HINCRBY', pending, label, '-1')
    has_room = false
end
if not has_room then
    local head = call('LINDEX', queue, 0)
    answer = (#head < 12 or struct.unpack('>I8', head, 3) <= now) and -2 or 0
end
if answer <= 0 then
    call('LTRIM', queue, 0, -2)
    if answer == 0 then
        call('HINCRBY', keys[2], 'full:' .. name, '1')
        call('PEXPIRE', keys[2], argv[4])
    end
    return answer
end
if client_capacity then
    call('PEXPIRE', pending, lifetime)
elseif lifetime - argv[4] < 0 and string.byte(name, -1) ~= 63 then
    lifetime = argv[4]
end
call('PEXPIRE', queue, lifetime)
if call('HINCRBY', keys[2], 'sent:' .. name, '1') == 1 then
    call('PEXPIRE', keys[2], argv[4])
end
return answer

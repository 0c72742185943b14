-- Note that a reader has done what it held, and send what came of it.
--
-- KEYS[1]  statistics           hash of counters
-- ARGV[1]  reader
-- ARGV[2]  channel
-- ARGV[3]  number of tokens     more than one only if nothing is sent
-- ARGV[4]  token, ...
-- then, for each channel to send to, one of
--          's', queue's key, key of pending or of the options, lifetime,
--          capacity, statistics' name, statistics' lifetime, client capacity
--          (as of send.lua), number of entries, entry, ...
--          'a', channel, options, statistics' lifetime (as of put.lua), number
--          of entries, entry, ...
-- Returns 1 for each token that the reader held, 0 for each that it held no
-- more, as a list; or the name of the channel that was full. Then nothing is
-- acknowledged; what was sent to others has gone out.

local reader, name, number = ARGV[1], ARGV[2], tonumber(ARGV[3])
local held = key('t', name) .. ':' .. reader
local at = 4 + number

if at <= #ARGV and redis.call('HEXISTS', held, ARGV[4]) == 0 then
    -- It belongs to another reader now, who will send.
    return {0}
end
while at <= #ARGV do
    local entries, last, done, channel
    if ARGV[at] == 's' then
        channel, entries = ARGV[at + 5], tonumber(ARGV[at + 8])
        last = at + 8 + entries
        if ARGV[at + 7] == '' and redis.call('HEXISTS', ARGV[at + 2], channel) == 1 then
            -- An acknowledged one, which the sender didn't know.
            done = append(channel, declare(channel, ''), ARGV[at + 6], at + 9, last)
        else
            done = send(ARGV[at + 1], KEYS[1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], channel, ARGV[at + 6],
                        ARGV[at + 7], at + 9, last)
        end
    else
        channel, entries = ARGV[at + 1], tonumber(ARGV[at + 4])
        last = at + 4 + entries
        done = append(channel, declare(channel, ARGV[at + 2]), ARGV[at + 3], at + 5, last)
    end
    if done < entries then
        return channel
    end
    at = last + 1
end
local results = {}
for i = 4, 3 + number do
    local token = ARGV[i]
    if is_special(token) then
        local record = let_go(name, reader, token)
        if record then
            forget(name, id_of(token), record)
        end
        results[#results + 1] = record and 1 or 0
    else
        results[#results + 1] = redis.call('HDEL', held, token)
    end
end
return results

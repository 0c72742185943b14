-- Take messages from the first queue that has any, as LMPOP does, for servers
-- older than Redis 7.0.
--
-- KEYS     queues               lists of entries, in order of preference
-- ARGV[1]  limit                entries to take at most
-- Returns {queue, {entry, ...}}, or false.

for _, queue in ipairs(KEYS) do
    local entries = redis.call('LPOP', queue, ARGV[1])
    if entries and #entries > 0 then
        return {queue, entries}
    end
end
return false

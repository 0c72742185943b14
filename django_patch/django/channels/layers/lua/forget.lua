-- Drop from the head of a queue what a reader had taken, after the server went
-- back to older data (see hello.lua).
--
-- KEYS[1]  queue                list of entries
-- ARGV[1]  deadline             of the entry that the reader took last, ms
-- Returns how many entries were dropped.
--
-- A queue is in the order of its deadlines, but for what was put back at its
-- head; so all that the reader took is before the first later one.

local taken, page = 0
repeat
    page = redis.call('LRANGE', KEYS[1], taken, taken + 99)
    for _, entry in ipairs(page) do
        if #entry >= 12 and struct.unpack('>I8', entry, 3) > tonumber(ARGV[1]) then
            page = {}
            break
        end
        taken = taken + 1
    end
until #page == 0
redis.call('LTRIM', KEYS[1], taken, -1)
return taken

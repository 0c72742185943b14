-- Put messages on a queue, until it is full.
--
-- KEYS[1]  queue                list of entries
-- KEYS[2]  statistics           hash of counters
-- KEYS[3]  pending (! only)     hash: client's name -> messages that wait
-- ARGV[1]  lifetime             ms
-- ARGV[2]  capacity             entries that the queue may hold
-- ARGV[3]  statistics' name
-- ARGV[4]  statistics' lifetime ms
-- ARGV[5]  client capacity (!)  messages that may wait for one client, or ''
-- ARGV[6]  entry                more may follow
-- Returns how many were put; the first that didn't fit ends it.
--
-- The sender puts in the deadline that it believes to be right: to change it
-- costs two copies of the message. A belief that is more than 0.1 s off is
-- corrected.

local queue, pending = KEYS[1], KEYS[3]
local deadline = now + ARGV[1]
local capacity, client_capacity = tonumber(ARGV[2]), tonumber(ARGV[5])

local function with_deadline(entry)
    if math.abs(struct.unpack('>I8', entry, 3) - deadline) <= 100 then
        return entry
    end
    return string.sub(entry, 1, 2) .. struct.pack('>I8', deadline) .. string.sub(entry, 11)
end

-- First put, then look: the usual case is one command shorter that way, and
-- who waits for the queue is woken only when the script has ended.
local function put(entry)
    if redis.call('RPUSH', queue, with_deadline(entry)) > capacity then
        redis.call('RPOP', queue)
        return false
    end
    if pending then
        local label = struct.unpack('>Hc0', entry, 11)
        if redis.call('HINCRBY', pending, label, 1) > client_capacity then
            redis.call('HINCRBY', pending, label, -1)
            redis.call('RPOP', queue)
            return false
        end
    end
    return true
end

local done = 0
for i = 6, #ARGV do
    if not put(ARGV[i]) then
        local trimmed = trim(queue, pending)
        if trimmed > 0 then
            redis.call('HINCRBY', KEYS[2], 'expired:' .. ARGV[3], trimmed)
        end
        if trimmed == 0 or not put(ARGV[i]) then
            redis.call('HINCRBY', KEYS[2], 'full:' .. ARGV[3], 1)
            redis.call('PEXPIRE', KEYS[2], ARGV[4])
            break
        end
    end
    done = done + 1
end

if done > 0 then
    redis.call('PEXPIRE', queue, ARGV[1])
    if pending then
        redis.call('PEXPIRE', pending, ARGV[1])
    end
    if redis.call('HINCRBY', KEYS[2], 'sent:' .. ARGV[3], done) == done then
        redis.call('PEXPIRE', KEYS[2], ARGV[4])
    end
end
return done

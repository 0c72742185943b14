-- What send.lua and acknowledge.lua share, behind prelude.lua.

-- Put the entries ARGV[first] to ARGV[last] on a queue until it is full, and
-- return how many were put. The arguments are those of send.lua.
--
-- The sender puts in the deadline that it believes to be right: to change it
-- costs two copies of the message. A belief that is more than 0.1 s off is
-- corrected.
local function send(queue, statistics, pending, lifetime, capacity, name, statistics_lifetime, client_capacity,
                    first, last)
    local deadline = now + lifetime
    capacity, client_capacity = tonumber(capacity), tonumber(client_capacity)

    -- First put, then look: the usual case is one command shorter that way, and
    -- who waits for the queue is woken only when the script has ended.
    local function put(entry)
        if math.abs(struct.unpack('>I8', entry, 3) - deadline) > 100 then
            entry = string.sub(entry, 1, 2) .. struct.pack('>I8', deadline) .. string.sub(entry, 11)
        end
        if redis.call('RPUSH', queue, entry) > capacity then
            redis.call('RPOP', queue)
            return false
        end
        if client_capacity then
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
    for i = first, last do
        if not put(ARGV[i]) then
            local trimmed = trim(queue, client_capacity and pending)
            if trimmed > 0 then
                redis.call('HINCRBY', statistics, 'expired:' .. name, trimmed)
            end
            if trimmed == 0 or not put(ARGV[i]) then
                redis.call('HINCRBY', statistics, 'full:' .. name, 1)
                redis.call('PEXPIRE', statistics, statistics_lifetime)
                break
            end
        end
        done = done + 1
    end

    if done > 0 then
        if client_capacity then
            redis.call('PEXPIRE', pending, lifetime)
        elseif string.byte(name, -1) ~= 63 and tonumber(lifetime) < tonumber(statistics_lifetime) then
            -- What expires on a normal channel stays until somebody has counted
            -- it, as long as a counter would. 63 is the "?".
            lifetime = statistics_lifetime
        end
        redis.call('PEXPIRE', queue, lifetime)
        -- Redis takes 2 % of the script's time to write a number as text.
        if redis.call('HINCRBY', statistics, 'sent:' .. name, done == 1 and '1' or done) == done then
            redis.call('PEXPIRE', statistics, statistics_lifetime)
        end
    end
    return done
end

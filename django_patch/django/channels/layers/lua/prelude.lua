-- What send.lua and group_send.lua share; the client puts it before each.
-- The bytes of an entry: version (1), kind (1), deadline in ms (8), size of
-- the label (2), label, body. The label is a client's name after the "!", or
-- "" for other channels, or the group's name in an entry that a group got.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The low four bits of the kind: 1 is a message to one channel, 2 to a group.
local function is_direct(entry)
    return string.byte(entry, 2) % 16 == 1
end

-- Drop what has expired from the head of a queue. Return how many went, and
-- whether something is left.
local function trim(queue, pending)
    local trimmed = 0
    local head = redis.call('LINDEX', queue, 0)
    while head do
        -- Shorter than that is no entry, and would block the queue for ever.
        if #head >= 12 then
            if struct.unpack('>I8', head, 3) > now then
                break
            end
            if pending and is_direct(head) then
                local label = struct.unpack('>Hc0', head, 11)
                if redis.call('HINCRBY', pending, label, -1) <= 0 then
                    redis.call('HDEL', pending, label)
                end
            end
        end
        redis.call('LPOP', queue)
        trimmed = trimmed + 1
        head = redis.call('LINDEX', queue, 0)
    end
    return trimmed, head
end

-- The usual cases of send.lua: one entry with the right deadline, which is put,
-- or finds a queue at whose head nothing has expired; and several of them for
-- which there is room, which are put together. They are carried out before the
-- functions are made that other cases need, and with few calls of Lua's own
-- functions, of which each takes Redis a tenth of a command.

if ARGV[6] and not ARGV[7] then
    local call, keys, argv = redis.call, KEYS, ARGV
    local lifetime, name, client_capacity, entry = argv[1], argv[3], argv[5], argv[6]
    if client_capacity == '' and keys[3] and call('HEXISTS', keys[3], name) == 1 then
        return -1
    end
    local time = call('TIME')
    local now = time[1] * 1000 + time[2] / 1000
    local ahead = struct.unpack('>I8', entry, 3) - lifetime - now
    if ahead >= -100 and ahead <= 100 then
        local queue, has_room = keys[1], true
        if call('RPUSH', queue, entry) > argv[2] + 0 then
            has_room = false
        elseif client_capacity ~= '' then
            local label = struct.unpack('>Hc0', entry, 11)
            if call('HINCRBY', keys[3], label, '1') > client_capacity + 0 then
                call('HINCRBY', keys[3], label, '-1')
                has_room = false
            end
        end
        if has_room then
            if client_capacity ~= '' then
                call('PEXPIRE', keys[3], lifetime)
            elseif lifetime - argv[4] < 0 and string.byte(name, -1) ~= 63 then
                lifetime = argv[4]
            end
            call('PEXPIRE', queue, lifetime)
            if call('HINCRBY', keys[2], 'sent:' .. name, '1') == 1 then
                call('PEXPIRE', keys[2], argv[4])
            end
            return 1
        end
        call('RPOP', queue)
        local head = call('LINDEX', queue, 0)
        if not head or #head >= 12 and struct.unpack('>I8', head, 3) > now then
            call('HINCRBY', keys[2], 'full:' .. name, '1')
            call('PEXPIRE', keys[2], argv[4])
            return 0
        end
    end
elseif ARGV[7] and not ARGV[1006] then
    local call, keys, argv = redis.call, KEYS, ARGV
    local queue, lifetime, name, client_capacity, number = keys[1], argv[1], argv[3], argv[5], #argv - 5
    if client_capacity == '' and keys[3] and call('HEXISTS', keys[3], name) == 1 then
        return -1
    end
    local time, labels, counts, has_room = call('TIME'), {}, {}, true
    local deadline = time[1] * 1000 + time[2] / 1000 + lifetime
    for i = 1, number do
        local ends, label = struct.unpack('>I8Hc0', argv[i + 5], 3)
        labels[i] = label
        has_room = has_room and ends - deadline >= -100 and ends - deadline <= 100
    end
    if has_room and client_capacity ~= '' then
        -- Label, count, label, count, ...; and where each label is in there.
        local before, places = call('HMGET', keys[3], unpack(labels)), {}
        for i = 1, number do
            local label = labels[i]
            local place = places[label] or #counts + 1
            local count = (counts[place + 1] or before[i] or 0) + 1
            places[label], counts[place], counts[place + 1] = place, label, count == 1 and '1' or count
            has_room = has_room and count <= client_capacity + 0
        end
    end
    if has_room and call('RPUSH', queue, unpack(argv, 6)) > argv[2] + 0 then
        -- Some have, which are put one by one.
        call('LTRIM', queue, '0', -1 - number)
        has_room = false
    end
    if has_room then
        if client_capacity ~= '' then
            call('HSET', keys[3], unpack(counts))
            call('PEXPIRE', keys[3], lifetime)
        elseif lifetime - argv[4] < 0 and string.byte(name, -1) ~= 63 then
            lifetime = argv[4]
        end
        call('PEXPIRE', queue, lifetime)
        if call('HINCRBY', keys[2], 'sent:' .. name, number) == number then
            call('PEXPIRE', keys[2], argv[4])
        end
        return number
    end
end


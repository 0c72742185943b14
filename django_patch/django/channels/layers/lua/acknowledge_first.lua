-- The usual case of acknowledge.lua: nothing is sent, and nothing else deleted.
-- It is carried out before the functions are made that other cases need.

do
    local number = tonumber(ARGV[3])
    local is_usual = #ARGV == 3 + number
    for i = 4, #ARGV do
        -- 42 is the "*".
        is_usual = is_usual and string.byte(ARGV[i], -1) ~= 42
    end
    if is_usual then
        local base = string.sub(KEYS[1], 1, -#'statistics' - 1)
        local held, results = base .. 't:' .. ARGV[2] .. ':' .. ARGV[1], {}
        for i = 4, #ARGV do
            results[i - 3] = redis.call('HDEL', held, ARGV[i])
        end
        return results
    end
end


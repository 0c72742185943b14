-- Note that one reader has all pieces of a large message.
--
-- KEYS[1]  pieces               hash: number -> piece, "readers" -> how many
--                               readers it is for
-- Returns nothing.

if redis.call('HINCRBY', KEYS[1], 'readers', -1) <= 0 then
    redis.call('DEL', KEYS[1])
end

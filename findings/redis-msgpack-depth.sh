#!/usr/bin/env bash
# cmsgpack in scripts of Redis 7.0.15 packs what lies deeper than 16 tables as nil:
# no error, the rest of the message is there. (cjson, in the same script, goes to
# 1,000 levels and then raises.) unpack has no such limit, so a message that came
# from elsewhere is read whole and written back with a hole.
#
# Guessed: packed, or refused with an error.
#
# Seen, for a string in 16 and in 17 tables:
#   16: content
#   17: nil
. "$(dirname "$0")/lib.sh"

debian_redis
through() {
    redis-cli -p "$redis" EVAL "
        local value = 'content'
        for _ = 1, $2 do value = {value} end
        value = $1
        while type(value) == 'table' do value = value[1] end
        return tostring(value)" 0
}
pack='cmsgpack.unpack(cmsgpack.pack(value))'
compare "cmsgpack, 16 tables" content content "$(through "$pack" 16)"
compare "cmsgpack, 17 tables" "content, or an error" nil "$(through "$pack" 17)"
compare "cjson, 17 tables" content content "$(through 'cjson.decode(cjson.encode(value))' 17)"
verdict

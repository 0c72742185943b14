#!/usr/bin/env bash
# In scripts of Redis 7.0.15 a number keeps 17 digits as an argument of redis.call,
# 14 when it is joined to a string, passed through tostring() or encoded by
# cjson, although each is a double, exact to 2^53. A timestamp in microseconds
# (16 digits) is stored right by ZADD and wrong, by up to 50 µs and in another
# notation, in a JSON value or a key name that the same script makes of it. Even an
# id of 15 digits that JSON only passes through comes back changed.
#
# Guessed: integers below 2^53 are exact everywhere, as in other Luas since 5.3.
#
# Seen:
#   redis.call: 1700000000123456
#   .. : k:1.7000000001235e+15
#   cjson: {"at":1.7000000001235e+15}
#   decoded and encoded: [1.2345678901234e+14]
. "$(dirname "$0")/lib.sh"

debian_redis
script() {
    redis-cli -p "$redis" EVAL "$1" 0
}
exact=1700000000123456
compare "redis.call('SET', 'x', $exact)" $exact $exact \
    "$(script "redis.call('SET', 'x', $exact) return redis.call('GET', 'x')")"
compare "'k:' .. $exact" "k:$exact" "k:1.7000000001235e+15" "$(script "return 'k:' .. $exact")"
compare "cjson.encode({at=$exact})" "{\"at\":$exact}" '{"at":1.7000000001235e+15}' \
    "$(script "return cjson.encode({at=$exact})")"
compare "cjson.encode(cjson.decode('[123456789012345]'))" "[123456789012345]" "[1.2345678901234e+14]" \
    "$(script "return cjson.encode(cjson.decode('[123456789012345]'))")"
verdict

#!/usr/bin/env bash
# twemproxy (nutcracker) 0.5.0 before two Redis servers answers a command that it doesn't have,
# BLPOP, MULTI, PUBLISH or XADD, by closing the connection, without an error and without a
# line in its log. redis-py 8.1.0 begins each connection by HELLO, and so can't even SET:
# "Connection closed by server", after ten tries. A script whose keys lie on both servers
# is run by the first key's, where the others are missing, and what it writes to them is
# seen by nobody.
#
# Guessed: an error reply for what it doesn't have; SET and GET work with any client; an
# error for keys of two servers, as Redis Cluster's CROSSSLOT.
#
# Seen:
#   BLPOP, MULTI, PUBLISH, XADD   closed
#   redis-py 8.1.0, SET           ConnectionError
#   script that returns MGET of two keys: one value, one nil; that SETs both: the old value is read
. "$(dirname "$0")/lib.sh"

debian nutcracker 0.5.0+dfsg
debian_redis
need nutcracker
pypi redis==8.1.0
cd "$folder"
second=$(port)
start second.log redis-server --port "$second" --save '' --dir "$folder"
reachable "$second"
proxy=$(port)
cat >proxy.yml <<END
site:
  listen: 127.0.0.1:$proxy
  redis: true
  hash: fnv1a_64
  distribution: ketama
  servers:
   - 127.0.0.1:$redis:1
   - 127.0.0.1:$second:1
END
start proxy.log nutcracker -c proxy.yml --stats-port "$(port)"
reachable "$proxy"
ask() {
    redis-cli -p "$proxy" "$@" 2>&1 | xargs
}
# A key of each server. Those that differ in their last digits alone may all have one.
for number in $(seq 50); do
    ask SET "$(echo "$number" | md5sum | cut -c1-12)" old >/dev/null
done
one=$(redis-cli -p "$redis" RANDOMKEY)
two=$(redis-cli -p "$second" RANDOMKEY)
closed() {
    case "$(ask "$@")" in
        *closed*) echo closed ;;
        *) ask "$@" ;;
    esac
}
compare BLPOP "error reply" closed "$(closed BLPOP queue 1)"
compare MULTI "error reply" closed "$(closed MULTI)"
compare PUBLISH "error reply" closed "$(closed PUBLISH channel text)"
compare XADD "error reply" closed "$(closed XADD stream '*' name value)"
compare "redis-py, SET" True ConnectionError "$("$python" -c "
import redis
try:
    print(redis.Redis(port=$proxy).set('name', 'value'))
except redis.RedisError as error:
    print(type(error).__name__)")"
compare "GET of both" "old old" "old old" "$(ask GET "$one") $(ask GET "$two")"
compare "MGET of both in a script" "an error" "old" "$(ask EVAL "return redis.call('MGET', KEYS[1], KEYS[2])" 2 "$one" "$two")"
compare "SET of both in a script" "an error" "OK" \
    "$(ask EVAL "redis.call('SET', KEYS[1], 'new') return redis.call('SET', KEYS[2], 'new')" 2 "$one" "$two")"
compare "GET of both after it" "old old" "new old" "$(ask GET "$one") $(ask GET "$two")"
verdict

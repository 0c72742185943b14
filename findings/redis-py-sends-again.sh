#!/usr/bin/env bash
# redis-py 7.1.0 sends a command again when its answer doesn't come in time
# (socket_timeout), whatever the command: while a slow script held the server, one
# RPUSH, which returned as if nothing had happened, put two entries into the
# list, and one INCR counted twice. redis-py 5.2.1 raises TimeoutError and sends once.
# So jobs that were enqueued at most once with the older library are there twice
# with the newer one, unless the client has retry=Retry(NoBackoff(), 0).
#
# Guessed: a timeout raises, and the command is executed once at most.
#
# Seen (redis-py 5.2.1; 7.1.0; 7.1.0 with retry=Retry(NoBackoff(), 0)):
#   RPUSH: TimeoutError, 1 entry; 2 entries; TimeoutError, 1 entry
#   INCR: TimeoutError, 1; 2; TimeoutError, 1
. "$(dirname "$0")/lib.sh"

debian_redis
seen() {
    "$python" - "$redis" "$1" <<'PYTHON'
import sys
import threading

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

BUSY = """
local function now() local t = redis.call('TIME') return t[1] + t[2] / 1000000 end
local start = now()
while now() - start < 1.5 do end
"""
number = int(sys.argv[1])
client = redis.Redis(port=number)
for key, command in (('list', 'RPUSH'), ('count', 'INCR')):
    client.delete(key)
    options = {'retry': Retry(NoBackoff(), 0)} if sys.argv[2] == 'once' else {}
    other = redis.Redis(port=number, socket_timeout=0.3, **options)
    other.ping()
    held = threading.Thread(target=redis.Redis(port=number, socket_timeout=30).eval, args=(BUSY, 0))
    held.start()
    # The server is busy once a ping isn't answered.
    probe = redis.Redis(port=number, socket_timeout=0.1, retry=Retry(NoBackoff(), 0))
    try:
        while True:
            probe.ping()
    except redis.TimeoutError:
        pass
    raised = 'returned'
    try:
        other.execute_command(command, key, *(['x'] if command == 'RPUSH' else []))
    except redis.RedisError as error:
        raised = type(error).__name__
    held.join()
    print(raised, client.llen(key) if command == 'RPUSH' else int(client.get(key)))
PYTHON
}

pypi redis==5.2.1
mapfile -t old < <(seen default)
pypi redis==7.1.0
mapfile -t new < <(seen default)
mapfile -t once < <(seen once)
for command in RPUSH INCR; do
    [ $command = RPUSH ] && row=0 || row=1
    compare "$command that isn't answered in time, redis-py 5.2.1" "TimeoutError 1" "TimeoutError 1" "${old[$row]}"
    compare "the same, 7.1.0" "TimeoutError 1" "returned 2" "${new[$row]}"
    compare "the same, 7.1.0 without retries" "TimeoutError 1" "TimeoutError 1" "${once[$row]}"
done
verdict

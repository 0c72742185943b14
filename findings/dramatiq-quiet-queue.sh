#!/usr/bin/env bash
# A job whose worker is killed stays away from a quiet queue of Dramatiq 2.2.1 on Redis
# much longer than heartbeat_timeout: dead workers are looked for in one of a thousand
# calls of the broker (maintenance_chance), and an idle worker makes about three a
# second. So it comes back after minutes, and the quieter the queue the later.
#
# Guessed: back after the timeout, which is 2 s here (60 by default).
#
# Seen, in three databases, ten times the timeout after the kill, other jobs done:
#   begun again: at most one of three
. "$(dirname "$0")/lib.sh"

debian_redis
pypi dramatiq==2.2.1 redis==8.1.0
cd "$folder"
cat >jobs.py <<'EOF'
import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['BROKER'], heartbeat_timeout=2000))


@dramatiq.actor
def work(name, seconds):
    with open(name, 'a') as log:
        log.write('begun\n')
    time.sleep(seconds)
EOF
cat >send.py <<'EOF'
import sys

from jobs import work

work.send(sys.argv[1], int(sys.argv[2]))
EOF
export PYTHONPATH=.
worker() {
    start "$1.log" "$bin/dramatiq" jobs -p 1 -t 1
}
for number in 0 1 2; do
    export BROKER=redis://127.0.0.1:$redis/$number
    "$python" send.py "killed-$number" 60
    worker "first-$number"
    eventually 30 test -s "killed-$number" || missing "a worker that begins the job"
    kill -KILL -- "-$pid"
done
for number in 0 1 2; do
    export BROKER=redis://127.0.0.1:$redis/$number
    worker "second-$number"
    "$python" send.py "next-$number" 0
    eventually 30 test -s "next-$number" || missing "a second worker that works"
done
sleep 20
again=$(cat killed-* | wc -l)
seen="at most one of three"
[ $((again - 3)) -le 1 ] || seen="$((again - 3)) of three"
compare "begun again" "3 of three" "at most one of three" "$seen"
verdict

#!/usr/bin/env bash
# A message that Dramatiq 2.2.1 should do in one second waits an hour behind a thousand
# that are delayed by an hour: delayed messages are a list in the order of sending, a
# worker holds the first 1,000 for each of its threads in memory (the variable
# dramatiq_delay_queue_prefetch), and doesn't look at the rest until one of them is due.
# So retries, which are delayed messages, stop when many reminders are scheduled.
#
# Guessed: delayed messages are sorted by their time.
#
# Seen, a message with delay=1000, ten seconds after the worker began:
#   behind 900 that are due in an hour: done
#   behind 1,100: not done; a message without a delay: done
. "$(dirname "$0")/lib.sh"

debian_redis
pypi dramatiq==2.2.1 redis==8.1.0
cd "$folder"
cat >jobs.py <<'EOF'
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['BROKER']))


@dramatiq.actor
def work(name):
    with open('done', 'a') as log:
        log.write(name + '\n')
EOF
cat >send.py <<'EOF'
import sys

from jobs import work

for _ in range(int(sys.argv[1])):
    work.send_with_options(args=('in an hour',), delay=3600 * 1000)
work.send_with_options(args=('in a second',), delay=1000)
work.send('now')
EOF
export PYTHONPATH=$folder
# try DATABASE NUMBER
try() {
    export BROKER=redis://127.0.0.1:$redis/$1
    rm -f done
    "$python" send.py "$2"
    start worker.log "$bin/dramatiq" jobs -p 1 -t 1
    eventually 30 grep -q now done || missing "a worker that works"
    sleep 10
    kill -KILL -- "-$pid"
    sort done | xargs
}
compare "behind 900" "in a second now" "in a second now" "$(try 1 900)"
compare "behind 1,100" "in a second now" "now" "$(try 2 1100)"
verdict

#!/usr/bin/env bash
# When the connections of a Celery 5.7.0 worker to Redis are cut once (as by a
# fail-over or a firewall), a task with acks_late runs twice: the worker puts
# the message of the task that it is running back into the queue when it closes the
# old connection, finishes the task, and then takes it again. Nothing was killed
# and no visibility timeout (an hour) had passed. Without acks_late nothing
# is repeated, but what was prefetched comes back in another order.
#
# Guessed: each task once; the worker reconnects and acknowledges at the end.
#
# Seen, tasks 1, 2, 3 sent; all connections cut while 1 runs:
#   acks_late: 1 1 2 3
#   default: 1 3 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==8.1.0 packaging==26.4
cat >"$folder/tasks.py" <<'EOF'
import os
import time

from celery import Celery

app = Celery('tasks', broker=os.environ['BROKER'])
if os.environ['LATE'] == '1':
    app.conf.task_acks_late = True
    app.conf.worker_prefetch_multiplier = 1


@app.task
def slow(number):
    with open('log', 'a') as log:
        print(number, file=log)
    time.sleep(4)
EOF
cd "$folder"
try() {
    export LATE=$1 BROKER=redis://127.0.0.1:$redis/$1
    rm -f log
    start worker.log "$bin/celery" -A tasks worker -c 1 -l warning
    "$python" -c 'import tasks; [tasks.slow.delay(number) for number in (1, 2, 3)]'
    eventually 40 test -s log
    sleep 1
    redis-cli -p "$redis" CLIENT KILL TYPE normal SKIPME yes >/dev/null
    redis-cli -p "$redis" CLIENT KILL TYPE pubsub >/dev/null
    eventually 40 grep -q 2 log
    eventually 10 grep -q 3 log
    sleep 5
    kill -TERM "$pid"
    xargs <log
}
compare "acks_late" "1 2 3" "1 1 2 3" "$(try 1)"
compare "default" "1 2 3" "1 3 2" "$(try 0)"
verdict

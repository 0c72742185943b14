#!/usr/bin/env bash
# Time limits of Celery 5.7.0 work in the pool "prefork" alone. With `-P threads` or `-P
# solo` a task with time_limit=1 (or soft_time_limit) goes on for as long as it likes, and
# succeeds; nothing is logged, neither when the worker starts.
#
# Guessed: the limit holds in each pool, or the worker refuses it.
#
# Seen, tasks that sleep 4 seconds, with time_limit=1 and with soft_time_limit=1:
#   prefork: FAILURE TimeLimitExceeded, FAILURE SoftTimeLimitExceeded
#   threads: SUCCESS, SUCCESS
#   solo: SUCCESS, SUCCESS
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==8.1.0 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os
import time

from celery import Celery

app = Celery('tasks', broker=os.environ['BROKER'], backend=os.environ['BROKER'])


@app.task(time_limit=1)
def hard():
    time.sleep(4)


@app.task(soft_time_limit=1)
def soft():
    time.sleep(4)
END
cat >ask.py <<'END'
import tasks

for result in [tasks.hard.delay(), tasks.soft.delay()]:
    error = result.get(timeout=40, propagate=False)
    print(result.state + (' ' + type(error).__name__ if error else ''))
END
# try DATABASE POOL
try() {
    export BROKER=redis://127.0.0.1:$redis/$1
    start "$2.log" "$bin/celery" -A tasks worker -P "$2" -c 2 -l warning
    "$python" ask.py | paste -sd ,
    kill -KILL -- "-$pid"
}
both="FAILURE TimeLimitExceeded,FAILURE SoftTimeLimitExceeded"
compare prefork "$both" "$both" "$(try 1 prefork)"
compare threads "$both" "SUCCESS,SUCCESS" "$(try 2 threads)"
compare solo "$both" "SUCCESS,SUCCESS" "$(try 3 solo)"
verdict

#!/usr/bin/env bash
# Celery 5.7.0, Redis: a worker of `-Q high,low` takes from each queue in turn, so a job of
# 'high' waits for one of 'low' each time, and with hundreds in 'low' half of the work
# is theirs. RQ's `worker high low` empties the first before it looks at the second.
#
# Guessed: the queue that is named first comes first.
#
# Seen, ten jobs of 'low', then ten of 'high', then a worker with one process:
#   Celery   high low high low ... to the end
#   RQ       all of 'high', then all of 'low'
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 rq==3.0.0 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os

import redis
import rq
from celery import Celery

address = 'redis://127.0.0.1:' + os.environ['REDIS']
app = Celery('tasks', broker=address + '/1')
app.conf.broker_connection_retry_on_startup = True


def note(name):
    with open(os.environ['ORDER'], 'a') as file:
        print(name, file=file)


@app.task
def job(name):
    note(name)


def send():
    connection = redis.Redis.from_url(address + '/2')
    for name in ['low'] * 10 + ['high'] * 10:
        job.apply_async([name], queue=name)
        rq.Queue(name, connection=connection).enqueue(note, name)
END
export PYTHONPATH=$folder REDIS=$redis ORDER
"$python" -c 'import tasks; tasks.send()' 2>send.log
done_by() {
    [ "$(cat "$1" 2>/dev/null | wc -l)" -ge 20 ]
}
# seen NAME COMMAND...: how many of 'high' are among the first ten.
seen() {
    ORDER=$1
    start "$1.log" "${@:2}"
    eventually 60 done_by "$1" || true
    kill -KILL -- "-$pid"
    echo "$(head -n 10 "$1" | grep -c high) of 10"
}
compare "Celery, of the first ten" "10 of 10" "5 of 10" \
    "$(seen celery.order "$bin/celery" -A tasks worker -Q high,low -c 1 --without-mingle --without-gossip)"
compare "RQ, of the first ten" "10 of 10" "10 of 10" \
    "$(seen rq.order "$bin/rq" worker --url "redis://127.0.0.1:$redis/2" --worker-class rq.SimpleWorker --burst high low)"
verdict

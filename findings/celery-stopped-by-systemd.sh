#!/usr/bin/env bash
# SIGTERM to all processes of a Celery 5.7.0 worker, which is how systemd stops a
# service (KillMode=control-group, the default) and supervisord with stopasgroup=true,
# loses each task in progress: the child processes end at once. Only to the main process,
# as `kill` does, it is a warm shutdown. acks_late doesn't bring the task back, and the
# exit status is 0 both times. RQ 3.0.0 finishes its job. The child of Dramatiq 2.2.1 is
# signalled once more by its main process: sometimes it finishes, sometimes the second
# one ends it at once (both seen, so it is not compared).
#
# Guessed: a service stopped by its process manager shuts down warmly, as with one
# signal, and with acks_late at the latest no task is lost.
#
# Seen (a task of 2 s; SIGTERM in its middle; then a second worker):
#   to the main process: begun, done in all
#   to all: celery begun; celery with acks_late begun; rq begun, done
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 packaging==26.4 rq==3.0.0 croniter==7.0.0 dramatiq==2.2.1 redis==8.1.0
cd "$folder"
cat >work.py <<'EOF'
import time


def work():
    with open('log', 'a') as log:
        log.write('begun\n')
    time.sleep(2)
    with open('log', 'a') as log:
        log.write('done\n')
EOF
cat >by_celery.py <<'EOF'
import os

from celery import Celery

import work

app = Celery(broker=os.environ['BROKER'])
task = app.task(acks_late='LATE' in os.environ, name='work')(work.work)
EOF
cat >by_dramatiq.py <<'EOF'
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import work

dramatiq.set_broker(RedisBroker(url=os.environ['BROKER']))
actor = dramatiq.actor(work.work)
EOF
cat >send.py <<'EOF'
import os
import sys

if sys.argv[1] == 'celery':
    import by_celery
    by_celery.task.delay()
elif sys.argv[1] == 'dramatiq':
    import by_dramatiq
    by_dramatiq.actor.send()
else:
    import redis
    import rq
    import work
    rq.Queue(connection=redis.Redis.from_url(os.environ['BROKER'])).enqueue(work.work)
EOF
export PYTHONPATH=$folder
ended() {
    ! kill -0 "$1"
}
worker() {
    case $1 in
        celery) start worker.log "$bin/celery" -A by_celery worker -c 1 ;;
        rq) start worker.log "$bin/rq" worker -u "$BROKER" ;;
        dramatiq) start worker.log "$bin/dramatiq" by_dramatiq -p 1 -t 1 ;;
    esac
}
# try LIBRARY DATABASE TARGET: "-" for all processes, or "".
try() {
    export BROKER=redis://127.0.0.1:$redis/$2
    rm -f log
    "$python" send.py "$1"
    worker "$1"
    eventually 30 test -s log || missing "a worker that begins its job"
    sleep 0.5
    kill -TERM -- "$3$pid"
    eventually 20 ended "$pid" || missing "a worker that ends"
    if ! grep -q done log; then
        worker "$1"
        sleep 8
        kill -KILL -- "-$pid"
    fi
    xargs <log
}
for library in celery rq dramatiq; do
    compare "$library, SIGTERM to the main process" "begun done" "begun done" "$(try $library 1 "")"
done
compare "celery, to all processes" "begun done" "begun" "$(try celery 2 -)"
compare "celery with acks_late" "begun done" "begun" "$(LATE=1 try celery 3 -)"
compare "rq, to all processes" "begun done" "begun done" "$(try rq 2 -)"
verdict

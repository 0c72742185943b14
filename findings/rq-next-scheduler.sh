#!/usr/bin/env bash
# RQ 3.0.0, `rq worker --with-scheduler`: a worker that finds the scheduler's lock taken when
# it starts looks again after ten minutes (maintenance_interval). In a deployment that
# starts the new worker before it stops the old one nobody enqueues what is due, retries
# among them, until then, though the old one has given its lock up.
#
# Guessed: the next one takes over within a second.
#
# Seen, a job that is due in a second:
#   worker alone                              runs
#   second one, after SIGTERM to the first    doesn't run in 15 s, though the lock is free
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 redis==8.1.0 croniter==7.0.0
cd "$folder"
cat >jobs.py <<'END'
import datetime
import os

from redis import Redis
from rq import Queue


def run(name):
    open(name, 'w').close()


def enqueue(name):
    Queue(connection=Redis.from_url(os.environ['URL'])).enqueue_in(datetime.timedelta(seconds=1), run, name)

END
export PYTHONPATH=$folder URL=redis://127.0.0.1:$redis
worker() {
    start "$1.log" "$bin/rq" worker --url "$URL" --with-scheduler
    eventually 60 grep -q 'Listening on' "$1.log"
}
# runs NAME SECONDS
runs() {
    "$python" -c 'import jobs, sys; jobs.enqueue(sys.argv[1])' "$1"
    if eventually "$2" test -e "$1"; then echo runs; else echo "doesn't run"; fi
}
lock() {
    redis-cli -p "$redis" exists rq:scheduler-lock:default
}
ended() {
    ! kill -0 "$1" 2>/dev/null
}
worker first
first=$pid
compare alone runs runs "$(runs first 60)"
worker second
kill -TERM "$first"
eventually 60 ended "$first"
free=$(lock)
compare "second, after SIGTERM to the first; locks" "runs; 1" "doesn't run; 0" "$(runs second 15); $free"
verdict

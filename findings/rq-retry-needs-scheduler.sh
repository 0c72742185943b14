#!/usr/bin/env bash
# RQ 3.0.0: a job with Retry(max=2, interval=1) that fails is never retried by
# `rq worker`: it goes to a registry of scheduled jobs that only a worker with
# --with-scheduler looks into. Without an interval the same worker retries at once.
# Nothing in the log says that nobody will, and the job isn't among the failed ones.
#
# Guessed: retried after a second.
#
# Seen, a job that always fails, ten seconds:
#   rq worker: 1 run; failed: 0
#   rq worker --with-scheduler: 3 runs; failed: 1
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 redis==8.1.0 croniter==7.0.0
cat >"$folder/jobs.py" <<'EOF'
import os

from redis import Redis
from rq import Queue, Retry

queue = Queue(connection=Redis.from_url(os.environ['URL']))


def fail():
    with open('log', 'a') as log:
        print('run', file=log)
    raise ValueError('always')


def enqueue():
    queue.enqueue(fail, retry=Retry(max=2, interval=1))
EOF
cd "$folder"
export PYTHONPATH=$folder URL
try() {
    URL=redis://127.0.0.1:$redis/$1
    shift
    rm -f log
    "$python" -c 'import jobs; jobs.enqueue()'
    start worker.log "$bin/rq" worker -u "$URL" "$@"
    eventually 20 test -s log
    eventually 10 sh -c '[ "$(grep -c run log)" -ge 3 ]' || true
    sleep 1
    echo "runs: $(grep -c run log); failed:" \
        "$("$python" -c 'import jobs; print(jobs.queue.failed_job_registry.count)')"
}
compare "rq worker" "runs: 3; failed: 1" "runs: 1; failed: 0" "$(try 0)"
compare "rq worker --with-scheduler" "runs: 3; failed: 1" "runs: 3; failed: 1" "$(try 1 --with-scheduler)"
verdict

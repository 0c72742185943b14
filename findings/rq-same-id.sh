#!/usr/bin/env bash
# RQ 3.0.0: of two jobs that are enqueued with the same job_id while none has begun,
# the second runs twice and the first not at all: the queue holds the id twice, the
# job's data only once. job_id is what one passes to have a job only once.
#
# Guessed: the second is refused or ignored, or both run.
#
# Seen, report(1) and report(2) enqueued with job_id="report", then a worker:
#   runs: 2 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 redis==8.1.0 croniter==7.0.0
cat >"$folder/jobs.py" <<'EOF'
def report(number):
    with open('log', 'a') as log:
        print(number, file=log)
EOF
cd "$folder"
export PYTHONPATH=$folder
"$python" - "$redis" <<'EOF'
import sys

import jobs
from redis import Redis
from rq import Queue

queue = Queue(connection=Redis(port=int(sys.argv[1])))
for number in 1, 2:
    queue.enqueue(jobs.report, number, job_id='report')
EOF
touch log
timeout 60 "$bin/rq" worker --burst -u "redis://127.0.0.1:$redis/0" >worker.log 2>&1
compare "two jobs of one id" "1, or 1 2" "2 2" "$(xargs <log)"
verdict

#!/usr/bin/env bash
# With acks_late, a task of Celery 5.7.0 whose process is killed (by the kernel, for
# its memory) isn't run again: the parent acknowledges it and stores the failure
# WorkerLostError. Only when the whole worker dies does the message stay. The
# setting that changes it is another one, task_reject_on_worker_lost.
#
# Guessed: run again; acks_late is what one sets for that.
#
# Seen, a task that kills its process the first time, and one sent behind it:
#   acks_late: started 1, next done
#   and task_reject_on_worker_lost: started 2, next done
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==8.1.0 packaging==26.4
cat >"$folder/tasks.py" <<'EOF'
import os
import signal

from celery import Celery

app = Celery('tasks', broker=os.environ['BROKER'])
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = os.environ['REJECT'] == '1'


@app.task
def killed():
    with open('log', 'a+') as log:
        log.write('started\n')
        log.seek(0)
        first = log.read().count('started') == 1
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


@app.task
def behind():
    open('behind', 'w').close()
EOF
cd "$folder"
try() {
    export REJECT=$1 BROKER=redis://127.0.0.1:$redis/$1
    rm -f log behind
    start worker.log "$bin/celery" -A tasks worker -c 1 -l warning
    "$python" -c 'import tasks; tasks.killed.delay(); tasks.behind.delay()'
    eventually 40 test -e behind
    # Time for a second run of the first.
    eventually 3 sh -c '[ "$(grep -c started log)" -gt 1 ]' || true
    kill -TERM "$pid"
    echo "started $(grep -c started log), next $([ -e behind ] && echo done)"
}
compare "acks_late" "started 2, next done" "started 1, next done" "$(try 0)"
compare "acks_late and reject_on_worker_lost" "started 2, next done" "started 2, next done" "$(try 1)"
verdict

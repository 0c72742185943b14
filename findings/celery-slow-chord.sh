#!/usr/bin/env bash
# Celery 5.7.0, Redis: a chord's callback is never sent if one task of its group ends more
# than result_expires (a day) after the one before it, since it was delayed, tried again or
# just long. The results of the others have expired by then; the last one is counted as if
# it were the first. The tasks succeed, no log has a word of it, and get() waits for ever.
#
# Guessed: the callback runs once the last task has ended.
#
# Seen with result_expires of three seconds, two tasks, the first of which ends at once:
#   the other one after a second     the callback runs
#   after six seconds                it doesn't; both tasks SUCCEEDED, no warning
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os
import time

from celery import Celery, chord

app = Celery('tasks', broker=os.environ['REDIS'], backend=os.environ['REDIS'])
app.conf.result_expires = 3
app.conf.broker_connection_retry_on_startup = True


@app.task
def wait(seconds):
    time.sleep(seconds)
    return seconds


@app.task
def callback(results, name):
    with open(name, 'w') as file:
        file.write(repr(results))


def send(name, seconds):
    chord([wait.s(0), wait.s(seconds)])(callback.s(name))
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
start worker.log "$bin/celery" -A tasks worker -c 2 -l INFO --without-mingle --without-gossip
eventually 60 grep -q ready worker.log
# ended SECONDS: whether the task of so many seconds has ended.
ended() {
    grep -q "tasks.wait.* succeeded in .*s: $1\$" worker.log
}
seen() {
    "$python" -c "import tasks; tasks.send('$1', $2)" 2>send.log
    eventually 30 ended "$2"
    eventually 5 test -s "$1" || true
    if [ -s "$1" ]; then cat "$1"; else echo "no callback, $(grep -c 'WARNING\|ERROR' worker.log) lines of trouble"; fi
}
compare "after a second" "[0, 1]" "[0, 1]" "$(seen soon 1)"
compare "after six seconds" "[0, 6]" "no callback, 0 lines of trouble" "$(seen late 6)"
verdict

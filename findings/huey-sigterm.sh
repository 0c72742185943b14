#!/usr/bin/env bash
# On SIGTERM, huey's consumer (3.5.4) ends at once: the task in progress is cut off in
# the middle, was taken from Redis before, and isn't run again after a restart. The
# exit status is 0, the log has no word about the task. SIGINT is the signal that
# lets it finish. supervisord, systemd and containers send SIGTERM.
#
# Guessed: it finishes the task, then ends; a second signal would cut.
#
# Seen, a task that takes three seconds, the consumer started again afterwards:
#   TERM: exit 0, task: started
#   INT: exit 0, task: started finished
. "$(dirname "$0")/lib.sh"

debian_redis
pypi huey==3.5.4 redis==8.1.0
cat >"$folder/tasks.py" <<'EOF'
import os
import time

from huey import RedisHuey

huey = RedisHuey(os.environ['SIGNAL'], url='redis://127.0.0.1:' + os.environ['REDIS'])


def log(word):
    with open('log', 'a') as lines:
        print(word, file=lines)


@huey.task()
def slow():
    log('started')
    time.sleep(3)
    log('finished')
EOF
cd "$folder"
export PYTHONPATH=$folder REDIS=$redis SIGNAL
try() {
    local status=0
    SIGNAL=$1
    rm -f log
    "$python" -c 'import tasks; tasks.slow()'
    "$bin/huey_consumer" tasks.huey -w 1 >consumer.log 2>&1 &
    pid=$!
    eventually 20 test -s log
    sleep 1
    kill "-$SIGNAL" $pid
    wait $pid || status=$?
    start again.log "$bin/huey_consumer" tasks.huey -w 1
    sleep 5
    echo "exit $status, task: $(xargs <log)"
}
compare TERM "exit 0, task: started finished" "exit 0, task: started" "$(try TERM)"
compare INT "exit 0, task: started finished" "exit 0, task: started finished" "$(try INT)"
verdict

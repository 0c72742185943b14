#!/usr/bin/env bash
# Waiting for a task of huey 3.5.4 that returns nothing never ends: None isn't stored as a
# result (store_none=False), so result(blocking=True) waits for good, and with a timeout
# raises ResultTimeout, although the task has been done for long. To a caller a task that
# returned None, one that hasn't begun and one that was lost look the same.
#
# Guessed: None, once the task is done, as from a function.
#
# Seen, result(blocking=True, timeout=5):
#   a task that returns 5: 5
#   a task that returns None: done, ResultTimeout
#   the same with store_none=True: done, None
. "$(dirname "$0")/lib.sh"

debian_redis
pypi huey==3.5.4 redis==7.4.1
cd "$folder"
cat >tasks.py <<'EOF'
import os

from huey import RedisHuey

huey = RedisHuey('finding', port=int(os.environ['REDIS']), db=int(os.environ['DATABASE']),
                 store_none=bool(int(os.environ['STORE'])))


@huey.task()
def five():
    return 5


@huey.task()
def nothing():
    open('done', 'w').close()
EOF
cat >ask.py <<'EOF'
import os
import sys

from huey.exceptions import ResultTimeout

import tasks

result = getattr(tasks, sys.argv[1])()
try:
    seen = result(blocking=True, timeout=5)
except ResultTimeout:
    seen = 'ResultTimeout'
print('done, %s' % seen if os.path.exists('done') else seen)
EOF
export PYTHONPATH=$folder REDIS=$redis
# try DATABASE STORE_NONE TASK
try() {
    export DATABASE=$1 STORE=$2
    rm -f done
    start consumer.log "$bin/huey_consumer" tasks.huey
    "$python" ask.py "$3"
    kill -KILL -- "-$pid"
}
compare "returns 5" 5 5 "$(try 1 0 five)"
compare "returns None" "done, None" "done, ResultTimeout" "$(try 2 0 nothing)"
compare "returns None, store_none=True" "done, None" "done, None" "$(try 3 1 nothing)"
verdict

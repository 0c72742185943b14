#!/usr/bin/env bash
# huey 3.5.4: a consumer that is killed while a task holds lock_task() leaves the lock
# behind, without a time at which it ends: from then on each such task fails with
# TaskLockedException, until somebody starts a consumer with --flush-locks.
#
# Guessed: the lock ends with its holder, or after some time.
#
# Seen, a task that locks is killed with its consumer, then the next is sent to a new one:
#   the next task: TaskLockedException
#   consumer with --flush-locks: done
. "$(dirname "$0")/lib.sh"

debian_redis
pypi huey==3.5.4 redis==7.4.1
cd "$folder"
cat >tasks.py <<'END'
import os
import time

from huey import RedisHuey

huey = RedisHuey('finding', port=int(os.environ['REDIS']))


@huey.task()
@huey.lock_task('nightly')
def nightly(seconds):
    open('begun', 'w').close()
    time.sleep(seconds)
    return 'done'
END
cat >next.py <<'END'
import tasks

try:
    print(tasks.nightly(0)(blocking=True, timeout=15))
except Exception as error:
    print(str(error).split('(')[0])
END
export PYTHONPATH=$folder REDIS=$redis
start consumer.log "$bin/huey_consumer" tasks.huey
"$python" -c 'import tasks; tasks.nightly(60)'
eventually 20 test -e begun || { cat consumer.log >&2; exit 2; }
kill -KILL -- "-$pid"
start consumer2.log "$bin/huey_consumer" tasks.huey
compare "the next task" done TaskLockedException "$("$python" next.py)"
kill -KILL -- "-$pid"
start consumer3.log "$bin/huey_consumer" tasks.huey --flush-locks
compare "with --flush-locks" done done "$("$python" next.py)"
verdict

#!/usr/bin/env bash
# A job whose name a worker doesn't know, as old workers meet it when new code has begun to
# send it: Celery 5.7.0 acknowledges it, with acks_late, too, and it is gone; Dramatiq 2.2.1
# and huey 3.5.4 don't give it to the new workers either. An error in the old worker's log
# is all. So all workers have to be replaced before the first sender is.
#
# Guessed: it waits for a worker that knows it.
#
# Seen, an old worker for three seconds, then a new one:
#   Celery: doesn't run
#   Dramatiq: doesn't run
#   huey: doesn't run
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 dramatiq==2.2.1 huey==3.5.4 redis==7.4.1 packaging==26.4
cd "$folder"
export REDIS=redis://127.0.0.1:$redis
mkdir old new
cat >with_celery.py <<'END'
import os

from celery import Celery

app = Celery('tasks', broker=os.environ['REDIS'] + '/1')
app.conf.task_acks_late = True


@app.task(name='known')
def known():
    open('known-celery', 'w').close()

# From here on it is new.
@app.task(name='added')
def added():
    open('celery', 'w').close()
END
cat >with_dramatiq.py <<'END'
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['REDIS'] + '/2'))


@dramatiq.actor
def known():
    open('known-dramatiq', 'w').close()

# From here on it is new.
@dramatiq.actor
def added():
    open('dramatiq', 'w').close()
END
cat >with_huey.py <<'END'
import os

from huey import RedisHuey

huey = RedisHuey('finding', url=os.environ['REDIS'] + '/3')


@huey.task(name='known')
def known():
    open('known-huey', 'w').close()

# From here on it is new.
@huey.task(name='added')
def added():
    open('huey', 'w').close()
END
for file in with_*.py; do
    mv "$file" new
    sed '/^# From/,$d' "new/$file" >"old/$file"
done
cat >send.py <<'END'
import importlib
import sys

name = sys.argv[1]
module = importlib.import_module('with_' + name)

send = {'celery': 'delay', 'dramatiq': 'send', 'huey': '__call__'}[name]
for task in sys.argv[2:]:
    getattr(getattr(module, task), send)()
END
# try NAME COMMAND...
try() {
    local name=$1 seen
    shift
    PYTHONPATH=old start "$name-old.log" "$@"
    PYTHONPATH=new "$python" send.py "$name" added known
    eventually 30 test -e "known-$name" || { cat "$name-old.log" >&2 && return; }
    sleep 3
    kill -TERM "$pid"
    sleep 2
    kill -KILL -- "-$pid" 2>/dev/null || true
    PYTHONPATH=new start "$name-new.log" "$@"
    rm "known-$name"
    PYTHONPATH=new "$python" send.py "$name" known
    eventually 30 test -e "known-$name" || { cat "$name-new.log" >&2 && return; }
    if eventually 5 test -e "$name"; then seen=runs; else seen="doesn't run"; fi
    kill -KILL -- "-$pid"
    echo "$seen"
}
compare "Celery" runs "doesn't run" "$(try celery "$bin/celery" -A with_celery worker -c 1 -l warning)"
compare "Dramatiq" runs "doesn't run" "$(try dramatiq "$bin/dramatiq" with_dramatiq -p 1 -t 1)"
compare "huey" runs "doesn't run" "$(try huey "$bin/huey_consumer" with_huey.huey)"
verdict

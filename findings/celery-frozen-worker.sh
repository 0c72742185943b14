#!/usr/bin/env bash
# A worker that waits and whose machine freezes (a laptop's lid, a virtual machine that
# moves, SIGSTOP) has a BRPOP open in Redis for up to a second. Redis gives it the next
# task all the same. Celery 5.7.0 notes what is unacknowledged only once it has read
# that answer, huey 3.5.4 never: if the worker is killed then, the task is nowhere.
# `acks_late`, `task_reject_on_worker_lost` and `visibility_timeout` don't help.
#
# Guessed: with acks_late, a task that no worker has begun is done by another one.
#
# Seen, five tasks sent at once after SIGSTOP of the only worker, which is killed, and
# another worker that is started then, with a visibility_timeout of five seconds:
#   Celery: 4 done, 0 in Redis
#   huey: 4 done, 0 in Redis
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 huey==3.5.4 redis==7.4.1 packaging==26.4
cd "$folder"
cat >celery_tasks.py <<'END'
import os

from celery import Celery

app = Celery('tasks', broker='redis://127.0.0.1:%s/0' % os.environ['REDIS'])
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True,
                broker_transport_options={'visibility_timeout': 5})


@app.task
def note(text):
    with open('celery.done', 'a') as done:
        done.write(text + '\n')


send = note.delay
END
cat >huey_tasks.py <<'END'
import os

from huey import RedisHuey

huey = RedisHuey('finding', port=int(os.environ['REDIS']))


@huey.task()
def note(text):
    with open('huey.done', 'a') as done:
        done.write(text + '\n')


send = note
END
cat >freeze.py <<'END'
import importlib
import os
import signal
import sys
import time

import redis

send = importlib.import_module(sys.argv[1] + '_tasks').send
client = redis.Redis(port=int(os.environ['REDIS']))
send('first')
while not os.path.exists(sys.argv[1] + '.done'):
    time.sleep(0.1)
while not any(entry['cmd'] == 'brpop' and 'b' in entry['flags'] for entry in client.client_list()):
    time.sleep(0.01)
os.kill(int(sys.argv[2]), signal.SIGSTOP)
for number in range(5):
    send('number %d' % number)
END
cat >left.py <<'END'
import os

import redis

client = redis.Redis(port=int(os.environ['REDIS']))
left = []
for key in client.scan_iter():
    kind = client.type(key)
    if kind == b'list':
        left += client.lrange(key, 0, -1)
    elif kind == b'hash':
        left += client.hvals(key)
print(sum(b'number' in value for value in left))
END
export PYTHONPATH=$folder REDIS=$redis
try() {
    local name=$1 worker
    shift
    start "$name.log" "$@"
    worker=$pid
    "$python" freeze.py "$name" "$worker"
    kill -KILL -- "-$worker"
    start "$name-2.log" "$@"
    eventually 30 sh -c "[ \$(grep -c number $name.done) -ge 4 ]" || true
    # What waits for its time to be over would still be there.
    sleep 2
    echo "$(grep -c number "$name.done") done, $("$python" left.py) in Redis"
    kill -KILL -- "-$pid"
}
compare Celery "5 done, 0 in Redis" "4 done, 0 in Redis" "$(try celery "$bin/celery" -A celery_tasks worker -c 1 -l warning)"
compare huey "5 done, 0 in Redis" "4 done, 0 in Redis" "$(try huey "$bin/huey_consumer" huey_tasks.huey)"
verdict

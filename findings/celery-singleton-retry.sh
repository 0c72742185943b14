#!/usr/bin/env bash
# celery-singleton 0.3.1: a task that retries takes itself for the one that runs already: its
# retry is never sent, without an error, its status is RETRY for good, and as the lock is
# kept, no such task ever runs again. A task that expires in the queue
# (expires=...) keeps its lock, too: the next ones are all "already there", and none runs.
# Of celery-once 3.0.1 the first works, the second waits for its lock's end (an hour).
#
# Guessed: the retry runs, and what has expired or failed doesn't hold a lock.
#
# Seen (tries of a task that fails once; whether it runs when it is sent again):
#   celery-singleton, retry      1 try, RETRY; again: no
#   celery-singleton, expired    0 tries, REVOKED; again: no
#   celery-once, retry           2 tries, SUCCESS; again: yes
#   celery-once, expired         0 tries, REVOKED; again: AlreadyQueued
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 celery-singleton==0.3.1 celery_once==3.0.1 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os
import pathlib

import celery_once
import celery_singleton
from celery import Celery

redis = os.environ['REDIS']
app = Celery('tasks', broker=redis + '/1', backend=redis + '/2')
app.conf.singleton_backend_url = redis + '/3'
app.conf.ONCE = {
    'backend': 'celery_once.backends.Redis', 'settings': {'url': redis + '/4', 'default_timeout': 3600},
}
tries = pathlib.Path('tries')


def body(self, name, how):
    with tries.open('a') as log:
        print(name, how, file=log)
    if how == 'retry' and not self.request.retries:
        raise self.retry(countdown=0.1)


options = {'bind': True, 'max_retries': 3}
singleton = app.task(base=celery_singleton.Singleton, name='singleton', **options)(body)
once = app.task(base=celery_once.QueueOnce, name='once', **options)(body)
END
cat >client.py <<'END'
import sys
import time

import tasks


def tried():
    lines = tasks.tries.read_text().split('\n') if tasks.tries.exists() else []
    return lines.count('%s %s' % (name, how))


def until(condition):
    for _ in range(60):
        if condition():
            return
        time.sleep(0.1)


name, how = sys.argv[1:]
task = getattr(tasks, name)
result = task.apply_async((name, how), expires=-1 if how == 'expired' else None)
until(lambda: result.status in ('SUCCESS', 'REVOKED'))
seen = '%d tries, %s; again: ' % (tried(), result.status)
# The lock goes just after the status comes.
time.sleep(1)
before = tried()
try:
    task.apply_async((name, how))
    until(lambda: tried() > before)
    again = 'yes' if tried() > before else 'no'
except Exception as error:
    again = type(error).__name__
print(seen + again)
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
start worker.log "$bin/celery" -A tasks worker --concurrency 1 --without-gossip --without-mingle --loglevel INFO
eventually 30 grep -q ready worker.log
seen() {
    "$python" client.py "$1" "$2" 2>>client.log
}
compare "celery-singleton, retry" "2 tries, SUCCESS; again: yes" "1 tries, RETRY; again: no" "$(seen singleton retry)"
compare "celery-singleton, expired" "0 tries, REVOKED; again: yes" "0 tries, REVOKED; again: no" "$(seen singleton expired)"
compare "celery-once, retry" "2 tries, SUCCESS; again: yes" "2 tries, SUCCESS; again: yes" "$(seen once retry)"
compare "celery-once, expired" "0 tries, REVOKED; again: yes" "0 tries, REVOKED; again: AlreadyQueued" "$(seen once expired)"
verdict

#!/usr/bin/env bash
# Twenty jobs without a priority wait, and an urgent one is sent. In Celery 5.7.0 on Redis one
# with priority=9 is the last, since there, other than on RabbitMQ, the lowest number goes
# first and a task without one has 0. In Dramatiq 2.2.1 on Redis, where the lowest number is
# to go first, too, it goes behind all of those that no worker has fetched yet, whatever
# its actor's priority. In huey 3.5.4 and django-tasks-db 0.13.0 it is the first.
#
# Guessed: the first in all of them.
#
# Seen (the place of the urgent one among 21):
#   Celery, priority=9: last
#   Dramatiq, priority=-10: last
#   huey, priority=9: first
#   django-tasks-db, priority=9: first
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 dramatiq==2.2.1 huey==3.5.4 redis==8.1.0 packaging==26.4 \
    Django==5.2.19 django-tasks==0.12.0 django-tasks-db==0.13.0
cd "$folder"
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
cat >with_celery.py <<'END'
import os

from celery import Celery

app = Celery('tasks', broker=os.environ['REDIS'] + '/1')
app.conf.worker_prefetch_multiplier = 1


@app.task
def note(name):
    with open('celery', 'a') as log:
        log.write(name + '\n')


def ordinary():
    note.delay('ordinary')


def urgent():
    note.apply_async(('urgent',), priority=9)
END
cat >with_dramatiq.py <<'END'
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['REDIS'] + '/2'))


def note(name):
    with open('dramatiq', 'a') as log:
        log.write(name + '\n')


@dramatiq.actor
def plain():
    note('ordinary')


@dramatiq.actor(priority=-10)
def before():
    note('urgent')


ordinary, urgent = plain.send, before.send
END
cat >with_huey.py <<'END'
import os

from huey import PriorityRedisHuey

huey = PriorityRedisHuey('finding', url=os.environ['REDIS'] + '/3')


@huey.task()
def note(name):
    with open('huey', 'a') as log:
        log.write(name + '\n')


def ordinary():
    note('ordinary')


def urgent():
    note('urgent', priority=9)
END
cat >site_settings.py <<'END'
SECRET_KEY = 'for this run'
USE_TZ = True
INSTALLED_APPS = ['django_tasks', 'django_tasks_db']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'database'}}
TASKS = {'default': {'BACKEND': 'django_tasks_db.DatabaseBackend'}}
END
cat >with_django.py <<'END'
import django

django.setup()

from django_tasks import task  # noqa: E402


@task()
def note(name):
    with open('django', 'a') as log:
        log.write(name + '\n')


def ordinary():
    note.enqueue('ordinary')


def urgent():
    note.using(priority=9).enqueue('urgent')
END
cat >send.py <<'END'
import importlib
import sys

module = importlib.import_module('with_' + sys.argv[1])
for _ in range(20):
    module.ordinary()
module.urgent()
END
export DJANGO_SETTINGS_MODULE=site_settings
all_ran() { [ "$(wc -l <"$1")" = 21 ]; }
# place NAME WORKER...
place() {
    local line
    "$python" send.py "$1"
    start "$1.log" "${@:2}"
    eventually 30 all_ran "$1" || true
    kill -KILL -- "-$pid"
    line=$(grep -n urgent "$1" | cut -d : -f 1)
    # A worker may have fetched one or two more before it takes the first of them.
    if [ "$line" -ge 19 ]; then echo last; elif [ "$line" -le 3 ]; then echo first; else echo "$line"; fi
}
"$bin/django-admin" migrate -v 0
compare Celery first last "$(place celery "$bin/celery" -A with_celery worker -c 1 -l warning)"
compare Dramatiq first last "$(place dramatiq "$bin/dramatiq" with_dramatiq -p 1 -t 1)"
compare huey first first "$(place huey "$bin/huey_consumer" with_huey.huey)"
compare django-tasks-db first first "$(place django "$bin/django-admin" db_worker)"
verdict

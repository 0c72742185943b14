#!/usr/bin/env bash
# procrastinate 3.10.0 with Django: in a view defer() is part of the transaction, and goes back
# with it. In a task it isn't, since `manage.py procrastinate worker` has connections of
# its own: what a task defers within atomic() begins before the commit, when the rows that
# it is about aren't there yet, and begins after a rollback, too. transaction.on_commit()
# is right in both.
#
# Guessed: the same function does the same in a task.
#
# Seen, whether the deferred job was run, and found the row of the transaction:
#   deferred outside of the worker   after a commit yes, found; after a rollback no
#   deferred in a task               in the transaction yes, not found; after a rollback yes, not found
#   by on_commit() in a task         after a commit yes, found; after a rollback no
. "$(dirname "$0")/lib.sh"

postgresql
pypi procrastinate==3.10.0 Django==5.2.19 'psycopg[binary]==3.3.9' psycopg-pool==3.3.1
cd "$folder"
mkdir -p shop
: >shop/__init__.py
cat >settings.py <<'END'
import os

SECRET_KEY, USE_TZ, DEFAULT_AUTO_FIELD = 'secret', True, 'django.db.models.AutoField'
INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'procrastinate.contrib.django', 'shop']
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.postgresql', 'NAME': 'postgres', 'USER': 'postgres',
    'HOST': '127.0.0.1', 'PORT': os.environ['POSTGRES'],
}}
END
cat >shop/tasks.py <<'END'
import time

from django.contrib.auth.models import Group
from django.db import transaction
from procrastinate.contrib.django import app


def log(*words):
    with open('log', 'a') as file:
        print(*words, file=file)


@app.task
def look(name):
    log(name, 'found' if Group.objects.filter(name=name).exists() else 'not found')


def seen(name):
    try:
        with open('log') as file:
            return any(line.startswith(name + ' ') for line in file)
    except FileNotFoundError:
        return False


@app.task
def order(name, end, by):
    # What it defers may be run before it ends, by another of the worker's four.
    with transaction.atomic():
        Group.objects.create(name=name)
        if by == 'on_commit':
            transaction.on_commit(lambda: look.defer(name=name))
        else:
            look.defer(name=name)
        for _ in range(100 if by == 'patient' else 0):
            if seen(name):
                break
            time.sleep(0.1)
        transaction.set_rollback(end == 'rollback')
    log('ended', name)
END
cat >ask.py <<'END'
import sys

import django

django.setup()

from shop import tasks  # noqa: E402

place, by = sys.argv[1:]
for end in 'commit', 'rollback':
    name = '-'.join([place, by, end])
    if place == 'task':
        tasks.order.defer(name=name, end=end, by=by)
    else:
        tasks.order(name, end, by)
END
export PYTHONPATH=$folder DJANGO_SETTINGS_MODULE=settings POSTGRES=$postgres
"$bin/django-admin" migrate --verbosity 0
start worker.log "$bin/django-admin" procrastinate worker --concurrency 4
# asked PLACE BY: what was run, once nothing is to be done.
asked() {
    "$python" ask.py "$@" || true
    eventually 30 idle || true
    for end in commit rollback; do
        printf '%s: %s\n' "$end" "$(grep "^$1-$2-$end " log | cut -d ' ' -f 2- || echo 'not run')"
    done | paste -sd ',' | sed 's/,/, /'
}
idle() {
    [ "$(sql -c "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")" = 0 ]
}
compare "outside of the worker" "commit: found, rollback: not run" "commit: found, rollback: not run" "$(asked view plain)"
compare "in a task" "commit: found, rollback: not run" "commit: not found, rollback: not found" "$(asked task patient)"
compare "by on_commit() in a task" "commit: found, rollback: not run" "commit: found, rollback: not run" "$(asked task on_commit)"
verdict

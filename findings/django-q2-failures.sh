#!/usr/bin/env bash
# django-q2 1.11.1 with the database as its broker: a task that raises is run again after
# `retry` seconds (60 if nothing is said), again and again without an end, since what failed
# isn't taken from the queue unless ack_failures=True (or max_attempts) says so. Its
# one row of results counts the attempts. With Redis as the broker it runs once.
#
# Guessed: it is recorded as a failure, and is over, with each broker.
#
# Seen (retry: 3 s; runs within 10 s of a task that raises, and what is left in the queue):
#   ORM                                   3 or more, 1
#   ORM, ack_failures=True                1, 0
#   ORM, max_attempts=2                   2, 0
#   Redis                                 1, 0
. "$(dirname "$0")/lib.sh"

debian_redis
pypi django-q2==1.11.1 Django==5.2.19 redis==7.1.0
cd "$folder"
cat >settings.py <<'END'
import json
import os

SECRET_KEY = 'secret'
USE_TZ = True
INSTALLED_APPS = ['django.contrib.contenttypes', 'django_q']
Q_CLUSTER = dict({'name': 'cluster', 'workers': 1, 'timeout': 2, 'retry': 3, 'poll': 0.2, 'scheduler': False},
                 **json.loads(os.environ['CLUSTER']))
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ['DATABASE'],
                         'OPTIONS': {'timeout': 30}}}
END
cat >tasks.py <<'END'
def fails():
    with open('runs', 'a') as file:
        print('run', file=file)
    raise RuntimeError
END
export PYTHONPATH=$folder DJANGO_SETTINGS_MODULE=settings
runs() {
    wc -l <runs
}
three_runs() {
    [ "$(runs)" -ge 3 ]
}
ran() {
    [ "$(runs)" -ge 1 ]
}
manage() {
    "$bin/django-admin" "$@"
}
# seen OPTIONS: of Q_CLUSTER.
seen() {
    local runs
    export CLUSTER=$1 DATABASE=$folder/database-$(port)
    : >runs
    cp "$folder/migrated" "$DATABASE"
    manage shell -v 0 -c 'from django_q.tasks import async_task; async_task("tasks.fails")' >send.log 2>&1
    start cluster.log "$bin/django-admin" qcluster
    eventually 30 ran
    eventually 10 three_runs && runs="3 or more" || runs=$(runs)
    kill -TERM "$pid"
    eventually 30 ended "$pid"
    echo "$runs, $(manage shell -v 0 -c 'from django_q.brokers import get_broker
b = get_broker(); print(b.queue_size() + (b.lock_size() or 0))' 2>>send.log | tail -n 1)"
}
ended() {
    ! kill -0 "$1" 2>/dev/null
}
CLUSTER='{"orm": "default"}' DATABASE=$folder/migrated manage migrate --verbosity 0
compare ORM "1, 0" "3 or more, 1" "$(seen '{"orm": "default"}')"
compare "ORM, ack_failures" "1, 0" "1, 0" "$(seen '{"orm": "default", "ack_failures": true}')"
compare "ORM, max_attempts" "1, 0" "2, 0" "$(seen '{"orm": "default", "max_attempts": 2}')"
compare Redis "1, 0" "1, 0" "$(seen '{"redis": "redis://127.0.0.1:'"$redis"'"}')"
verdict

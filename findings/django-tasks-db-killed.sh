#!/usr/bin/env bash
# A task that a db_worker of django-tasks-db 0.13.0 has begun when it is killed stays
# RUNNING for good: no other worker takes it, whatever time passes, and the worker
# has no option for it. A task behind it is done, so nothing looks broken.
#
# Guessed: another worker runs it again, as the row says who had it and since when.
#
# Seen, the first task sleeps in a worker that is killed, then a second worker:
#   first RUNNING, begun 1 times; second SUCCESSFUL
. "$(dirname "$0")/lib.sh"

pypi Django==5.2.19 django-tasks==0.12.0 django-tasks-db==0.13.0
mkdir "$folder/site" && cd "$folder/site"
cat >settings.py <<'EOF'
SECRET_KEY = 'x'
USE_TZ = True
INSTALLED_APPS = ['django_tasks', 'django_tasks_db']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}
TASKS = {'default': {'BACKEND': 'django_tasks_db.DatabaseBackend'}}
EOF
cat >jobs.py <<'EOF'
import time

from django_tasks import task


@task()
def work(name, seconds):
    with open(name, 'a') as log:
        log.write('begun\n')
    time.sleep(seconds)
EOF
cat >client.py <<'EOF'
import sys

import django

django.setup()
if sys.argv[1] == 'send':
    from jobs import work
    work.enqueue(sys.argv[2], float(sys.argv[3]))
else:
    from django_tasks_db.models import DBTaskResult
    found = {result.args_kwargs['args'][0]: result.status for result in DBTaskResult.objects.all()}
    print('first %s, begun %d times; second %s' % (
        found['first'], open('first').read().count('begun'), found.get('second')))
EOF
export DJANGO_SETTINGS_MODULE=settings PYTHONPATH=.
"$python" -m django migrate >"$folder/migrate.log"
"$python" client.py send first 60
start first.log "$python" -m django db_worker --no-startup-delay
eventually 30 test -s first || missing "a worker that begins the task"
kill -KILL "$pid"
"$python" client.py send second 0
start second.log "$python" -m django db_worker --no-startup-delay
eventually 30 test -s second
# Fifteen looks of that worker at the queue.
sleep 15
compare "a task whose worker was killed, and the next one" "first SUCCESSFUL, begun 2 times; second SUCCESSFUL" \
    "first RUNNING, begun 1 times; second SUCCESSFUL" "$("$python" client.py show)"
verdict

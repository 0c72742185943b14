#!/usr/bin/env bash
# django-q2 1.11.1: a schedule of every hour that was missed for ten hours, as over a night
# without its cluster, is run for each of them, one with each pass of the scheduler
# (every 30 seconds): eleven newsletters in a row. One with `repeats` spends those on
# it. With catch_up=False it is run once, as by Celery's beat with its file.
#
# Guessed: once, as soon as the cluster is back.
#
# Seen, jobs that the scheduler enqueues until nothing is due:
#   every hour, missed for ten                11
#   the same, repeats=3                       3, and no more
#   every minute, missed for an hour          61
#   every hour, catch_up=False                1
. "$(dirname "$0")/lib.sh"

pypi django-q2==1.11.1 Django==5.2.19
cd "$folder"
cat >runs.py <<'END'
import datetime
import json
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY='secret', USE_TZ=True, INSTALLED_APPS=['django.contrib.contenttypes', 'django_q'],
    Q_CLUSTER=dict({'name': 'cluster', 'orm': 'default', 'timeout': 30, 'retry': 60}, **json.loads(sys.argv[3])),
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_q.models import OrmQ, Schedule  # noqa: E402
from django_q.scheduler import scheduler  # noqa: E402

call_command('migrate', verbosity=0)
unit, options = sys.argv[1], json.loads(sys.argv[2])
kinds = {'hours': (Schedule.HOURLY, 10), 'minutes': (Schedule.MINUTES, 60)}
kind, missed = kinds[unit]
# A little more, so that the next one is far.
next_run = timezone.now() - datetime.timedelta(**{unit: missed + 0.05})
Schedule.objects.create(func='math.floor', schedule_type=kind, minutes=1, next_run=next_run, **options)
enqueued = -1
while OrmQ.objects.count() > enqueued:
    enqueued = OrmQ.objects.count()
    # As the cluster does every 30 seconds.
    scheduler()
print(enqueued)
END
seen() {
    "$python" runs.py "$@" 2>>runs.log
}
compare "every hour, missed for ten" 1 11 "$(seen hours {} {})"
compare "the same, repeats=3" 1 3 "$(seen hours '{"repeats": 3}' {})"
compare "every minute, missed for an hour" 1 61 "$(seen minutes {} {})"
compare "every hour, catch_up=False" 1 1 "$(seen hours {} '{"catch_up": false}')"
verdict

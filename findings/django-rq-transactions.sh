#!/usr/bin/env bash
# In a transaction django-rq 4.2.0 holds back what enqueue() is given until the commit (its
# COMMIT_MODE, on_db_commit), and returns None instead of the job. What enqueue_in(),
# enqueue_at() and enqueue_many() are given it sends at once: after a rollback these
# jobs run all the same, and a worker can have them before there are their rows.
#
# Guessed: the mode counts for every way to enqueue, and all of them return jobs.
#
# Seen, in a transaction that is rolled back, what is returned and what stays in Redis:
#   enqueue(): NoneType, 0 jobs
#   enqueue_in(), enqueue_at(): Job, 1 job
#   enqueue_many() of one: list, 1 job
#   enqueue() without a transaction: Job, 1 job
. "$(dirname "$0")/lib.sh"

debian_redis
pypi django-rq==4.2.0 rq==3.0.0 Django==5.2.19 redis==7.4.1 croniter==7.0.0
cd "$folder"
cat >ask.py <<'END'
import contextlib
import datetime
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY='secret', USE_TZ=True, INSTALLED_APPS=['django.contrib.contenttypes', 'django_rq'],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}},
    RQ_QUEUES={'default': {'URL': 'redis://127.0.0.1:' + sys.argv[1]}},
)
django.setup()

import django_rq  # noqa: E402
from django.db import transaction  # noqa: E402
from rq.registry import ScheduledJobRegistry  # noqa: E402

queue = django_rq.get_queue()
queue.connection.flushall()
hour = datetime.timedelta(hours=1)
ways = {
    'enqueue': lambda: queue.enqueue(len, 'a'),
    'enqueue_in': lambda: queue.enqueue_in(hour, len, 'a'),
    'enqueue_at': lambda: queue.enqueue_at(datetime.datetime.now(datetime.timezone.utc) + hour, len, 'a'),
    'enqueue_many': lambda: queue.enqueue_many([queue.prepare_data(len, ('a',))]),
}


class Back(Exception):
    pass


with contextlib.suppress(Back):
    if sys.argv[3] == 'plain':
        returned = ways[sys.argv[2]]()
    else:
        with transaction.atomic():
            returned = ways[sys.argv[2]]()
            raise Back
print('%s, %d' % (type(returned).__name__, queue.count + ScheduledJobRegistry(queue=queue).count))
END
seen() {
    "$python" ask.py "$redis" "$@" 2>&1
}
compare "enqueue" "Job, 0" "NoneType, 0" "$(seen enqueue atomic)"
compare "enqueue_in" "Job, 0" "Job, 1" "$(seen enqueue_in atomic)"
compare "enqueue_at" "Job, 0" "Job, 1" "$(seen enqueue_at atomic)"
compare "enqueue_many" "list, 0" "list, 1" "$(seen enqueue_many atomic)"
compare "enqueue without a transaction" "Job, 1" "Job, 1" "$(seen enqueue plain)"
verdict

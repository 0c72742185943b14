#!/usr/bin/env bash
# django-celery-beat 2.9.0, a daily job that was missed while beat was away: it is made up for
# only if its hour is within two of the present one. One that was due one hour ago is sent
# when beat is back. One of five hours ago isn't, but up to two hours before its next
# time, and then again at that time: a job for 02:00 runs after midnight and at two.
# A line with several hours is made up for at once, whichever they are, as are all jobs by
# beat with its file.
#
# Guessed: what was missed is sent once, when beat is back, however long ago it was.
#
# Seen, sent when beat starts, of jobs that last ran two days ago, by their hours:
#   five hours ago                     no
#   five hours ago, and four           yes
#   one hour ago                       yes
#   in one hour                        yes, and is due again in that hour
#   in five hours                      no
#   in one hour, ran 22 hours ago      no
. "$(dirname "$0")/lib.sh"

django_celery_beat
beat_once 10 <<'END'


def make(name, *hours, ran=48):
    schedule = CrontabSchedule.objects.create(
        minute='0', hour=','.join(str((now.hour + hour) % 24) for hour in hours), timezone='UTC')
    PeriodicTask.objects.create(name=name, task=name, crontab=schedule,
                                last_run_at=now - datetime.timedelta(hours=ran))


# Four in the morning is always among those that it looks at, for Celery's own job.
far = 5 if now.hour not in (9, 23) else 6
make('five-ago', -far)
make('five-and-four-ago', -far, 1 - far)
make('one-ago', -1)
make('in-one', 1)
make('in-five', far)
make('in-one-ran', 1, ran=22)
END
cat >next.py <<'END'
import sys

import tasks
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

due, seconds = ModelEntry(PeriodicTask.objects.get(name=sys.argv[1]), app=tasks.app).is_due()
print('due' if due else 'in an hour' if seconds < 2 * 3600 else 'in a day')
END
compare "five hours ago" yes no "$(was_sent five-ago)"
compare "five hours ago, and four" yes yes "$(was_sent five-and-four-ago)"
compare "one hour ago" yes yes "$(was_sent one-ago)"
compare "in one hour" yes yes "$(was_sent in-one)"
compare "the same, next time" "in a day" "in an hour" "$("$python" next.py in-one)"
compare "in five hours" yes no "$(was_sent in-five)"
compare "in one hour, ran 22 hours ago" no no "$(was_sent in-one-ran)"
verdict

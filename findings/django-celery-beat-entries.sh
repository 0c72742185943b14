#!/usr/bin/env bash
# django-celery-beat 2.9.0: what is in beat_schedule is copied into the database when beat
# starts, and nothing takes it away again: an entry that is gone from the code is sent on
# for good, to workers that may not know its task any more. What the admin changes of
# an entry that the code has is changed back by the next start, without a word, but for
# its being disabled, which stays.
#
# Guessed: the code says what is sent; or, once it is there, the admin does.
#
# Seen, entries of two seconds, after beat was started with the next code:
#   taken out of the code                          sent
#   in the code, made hourly in the admin          every two seconds
#   in the code, disabled in the admin             not sent
. "$(dirname "$0")/lib.sh"

django_celery_beat
cat >>tasks.py <<'END'

app.conf.beat_schedule = {name: {'task': name, 'schedule': 2.0} for name in os.environ['ENTRIES'].split()}
END
cat >admin.py <<'END'
import tasks  # noqa: F401
from django_celery_beat.models import IntervalSchedule, PeriodicTask

hourly = IntervalSchedule.objects.create(every=1, period='hours')
PeriodicTask.objects.filter(name='hourly').update(interval=hourly)
PeriodicTask.objects.filter(name='disabled').update(enabled=False)
END
export ENTRIES='removed hourly disabled'
beat first.log removed hourly disabled
"$python" admin.py
ENTRIES='hourly disabled last last-of-all'
# These are due two seconds after its start, the others at once.
beat second.log last last-of-all
interval() {
    "$python" -c "
import tasks
from django_celery_beat.models import PeriodicTask
print(PeriodicTask.objects.get(name='hourly').interval)"
}
compare "taken out of the code" no yes "$(was_sent removed second.log)"
compare "made hourly in the admin" "every hour" "every 2 seconds" "$(interval)"
compare "disabled in the admin" no no "$(was_sent disabled second.log)"
verdict

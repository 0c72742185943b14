#!/usr/bin/env bash
# django-q2 1.11.1: a monthly schedule that begins on the 31st of January runs on the 28th
# of February, and from then on on the 28th of each month, for good: each date is counted
# from the last one. A yearly one of the 29th of February never comes back to it, nor does
# a quarterly one to the 31st.
#
# Guessed: the end of each month, as cron's L or dateutil's months from the start.
#
# Seen (next runs, from 2027-01-31, 2028-02-29 and 2026-08-31):
#   MONTHLY      02-28 03-28 04-28 05-28
#   YEARLY       2029-02-28 2030-02-28 2031-02-28 2032-02-28
#   QUARTERLY    11-30 02-28 05-28 08-28
. "$(dirname "$0")/lib.sh"

pypi django-q2==1.11.1 Django==5.2.19
cd "$folder"
cat >runs.py <<'END'
import datetime
import sys

import django
from django.conf import settings

settings.configure(
    USE_TZ=True, TIME_ZONE='Europe/Berlin', INSTALLED_APPS=['django.contrib.contenttypes', 'django_q'],
    Q_CLUSTER={'name': 'cluster', 'orm': 'default', 'timeout': 30, 'retry': 60},
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})
django.setup()

from django_q.models import Schedule  # noqa: E402

kind, start, form = sys.argv[1:]
schedule = Schedule(func='math.floor', schedule_type=getattr(Schedule, kind), next_run=datetime.datetime.combine(
    datetime.date.fromisoformat(start), datetime.time(12), datetime.timezone.utc))
dates = []
for _ in range(4):
    # As the scheduler does it, one run after the other.
    schedule.next_run = schedule.calculate_next_run()
    dates.append(schedule.next_run.strftime(form))
print(*dates)
END
compare MONTHLY "02-28 03-31 04-30 05-31" "02-28 03-28 04-28 05-28" "$("$python" runs.py MONTHLY 2027-01-31 %m-%d)"
compare YEARLY "2029-02-28 2030-02-28 2031-02-28 2032-02-29" "2029-02-28 2030-02-28 2031-02-28 2032-02-28" \
    "$("$python" runs.py YEARLY 2028-02-29 %Y-%m-%d)"
compare QUARTERLY "11-30 02-28 05-31 08-31" "11-30 02-28 05-28 08-28" \
    "$("$python" runs.py QUARTERLY 2026-08-31 %m-%d)"
verdict

#!/usr/bin/env bash
# A daily job at 02:30, in the night in which summer time begins and 02:30 doesn't exist:
# with pycron 3.3.0 (which taskiq uses) and huey 3.5.4 it doesn't run that night, and
# nothing says so. croniter 7.0.0 (RQ, SAQ, django-q2, procrastinate) and cronsim 2.8 run
# it at 03:00, Celery 5.7.0 and APScheduler 3.11.3 at 03:30.
#
# Guessed: once that night, right after the gap.
#
# Seen (Europe/Berlin; 2026-03-29 has no 02:30):
#   croniter     03:00
#   cronsim      03:00
#   apscheduler  03:30
#   celery       03:30
#   pycron       none
#   huey         none
. "$(dirname "$0")/lib.sh"

pypi croniter==7.0.0 cronsim==2.8 pycron==3.3.0 celery==5.7.0 huey==3.5.4 APScheduler==3.11.3 tzdata==2026.6
cat >"$folder/spring.py" <<'END'
"""When a job of 02:30 runs between the noons before and after the change."""
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import celery
import celery.schedules
import huey
import pycron
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

BERLIN = ZoneInfo('Europe/Berlin')
FIRST = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
LAST = datetime(2026, 3, 29, 12, tzinfo=BERLIN)
LINE = '30 2 * * *'
# The minutes of that night, as a clock on the wall shows them.
MINUTES = [(FIRST.astimezone(timezone.utc) + timedelta(minutes=n)).astimezone(BERLIN) for n in range(1, 23 * 60)]


def by_celery():
    app = celery.Celery()
    app.conf.timezone = 'Europe/Berlin'
    now = FIRST
    cron = celery.schedules.crontab(minute=30, hour=2, app=app, nowfun=lambda: now)
    last = FIRST
    for now in MINUTES:
        if cron.is_due(last)[0]:
            last = now
            yield now


def by_huey():
    validate = huey.crontab(minute='30', hour='2')
    return [when for when in MINUTES if validate(when)]


libraries = {
    'croniter': lambda: [croniter(LINE, FIRST).get_next(datetime)],
    'cronsim': lambda: [next(CronSim(LINE, FIRST))],
    'apscheduler': lambda: [CronTrigger.from_crontab(LINE, timezone=BERLIN).get_next_fire_time(None, FIRST)],
    'celery': by_celery,
    'pycron': lambda: [when for when in MINUTES if pycron.is_now(LINE, when)],
    'huey': by_huey,
}
# By way of UTC, since some name a time that no clock shows.
runs = [when.astimezone(timezone.utc).astimezone(BERLIN) for when in libraries[sys.argv[1]]()]
print(*['%02d:%02d' % (when.hour, when.minute) for when in runs if when < LAST] or ['none'])
END
for pair in croniter=03:00 cronsim=03:00 apscheduler=03:30 celery=03:30 pycron=none huey=none; do
    compare "${pair%=*}" 03:00 "${pair#*=}" "$("$python" -W ignore "$folder/spring.py" "${pair%=*}")"
done
verdict

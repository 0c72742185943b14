#!/usr/bin/env bash
# One crontab line, other days in each library. With a day of the month and a day of
# the week, croniter 7.0.0, cronsim 2.8 and pycron 3.3.0 (taskiq's) take either, as a
# crontab does; Celery 5.7.0, huey 3.5.4 and APScheduler 3.11.3 both. "*/2" is both in
# Debian's cron, cronsim and pycron, but either in croniter (so in RQ, SAQ, django-q2
# and procrastinate). For CronTrigger.from_crontab() day 0 is Monday; for pycron day 7
# is valid and never comes.
#
# Guessed: a crontab line means the days that it means to cron.
#
# Seen, the days of June 2026 (which begins on a Monday):
#                0 3 1-7 * 1     0 3 * * 0       0 3 */2 * 1     0 3 * * 7
#   croniter     1-7 8 15 22 29  7 14 21 28      odd days 8 22   7 14 21 28
#   cronsim      1-7 8 15 22 29  7 14 21 28      1 15 29         7 14 21 28
#   pycron       1-7 8 15 22 29  7 14 21 28      1 15 29         never
#   celery       1               7 14 21 28      1 15 29         ValueError
#   huey         1               7 14 21 28      1 15 29         7 14 21 28
#   apscheduler  2               1 8 15 22 29    9 23            ValueError
. "$(dirname "$0")/lib.sh"

pypi croniter==7.0.0 cronsim==2.8 pycron==3.3.0 celery==5.7.0 huey==3.5.4 APScheduler==3.11.3 tzdata==2026.6
cat >"$folder/days.py" <<'EOF'
"""The days of June 2026 on which a line of a crontab runs at 3:00."""
import sys
from datetime import datetime, timedelta, timezone

import celery.schedules
import huey
import pycron
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

FIRST = datetime(2026, 6, 1, tzinfo=timezone.utc)
LAST = datetime(2026, 7, 1, tzinfo=timezone.utc)
AT_THREE = [FIRST + timedelta(days=day, hours=3) for day in range(30)]


def one_by_one(following):
    when = FIRST
    while True:
        when = following(when)
        if when >= LAST:
            return
        yield when


def by_cronsim(line):
    return one_by_one(lambda when: next(CronSim(line, when)))


def by_celery(line):
    cron = celery.schedules.crontab.from_string(line)

    def following(when):
        last, delta, _ = cron.remaining_delta(when)
        return last + delta

    return one_by_one(following)


def by_huey(line):
    minute, hour, day, month, weekday = line.split()
    validate = huey.crontab(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday)
    return [when for when in AT_THREE if validate(when)]


def by_apscheduler(line):
    trigger = CronTrigger.from_crontab(line, timezone=timezone.utc)
    return one_by_one(lambda when: trigger.get_next_fire_time(when, when + timedelta(seconds=1)))


libraries = {
    'croniter': lambda line: one_by_one(lambda when: croniter(line, when).get_next(datetime)),
    'cronsim': by_cronsim,
    'pycron': lambda line: [when for when in AT_THREE if pycron.is_now(line, when)],
    'celery': by_celery,
    'huey': by_huey,
    'apscheduler': by_apscheduler,
}
for name, days in libraries.items():
    try:
        print(name, *[when.day for when in days(sys.argv[1])])
    except ValueError:
        print(name, 'ValueError')
EOF
row() {
    "$python" "$folder/days.py" "$1" | xargs
}
either="1 2 3 4 5 6 7 8 15 22 29"
sundays="7 14 21 28"
odd="1 15 29"
compare "0 3 1-7 * 1" "$either in all" \
    "croniter $either cronsim $either pycron $either celery 1 huey 1 apscheduler 2" "$(row "0 3 1-7 * 1")"
compare "0 3 * * 0" "$sundays in all" \
    "croniter $sundays cronsim $sundays pycron $sundays celery $sundays huey $sundays apscheduler 1 8 15 22 29" \
    "$(row "0 3 * * 0")"
compare "0 3 */2 * 1" "$odd in all" \
    "croniter 1 3 5 7 8 9 11 13 15 17 19 21 22 23 25 27 29 cronsim $odd pycron $odd celery $odd huey $odd apscheduler 9 23" \
    "$(row "0 3 */2 * 1")"
compare "0 3 * * 7" "$sundays in all" \
    "croniter $sundays cronsim $sundays pycron celery ValueError huey $sundays apscheduler ValueError" \
    "$(row "0 3 * * 7")"
verdict

#!/usr/bin/env bash
# croniter 7.0.0 and APScheduler 3.11.3 run a daily job at 02:30 twice on the
# day that summer time ends, an hour apart: both 02:30s match. In spring, when
# there is no 02:30, croniter says 03:00, which the expression doesn't name, and
# APScheduler 03:30 (as 02:30+01:00). cronsim 2.8.0 runs it once, as Debian's cron.
#
# Guessed: once a day; what a crontab means is what cron does with it.
#
# Seen (Europe/Berlin, 2026-10-25 and 2026-03-29, times in UTC):
#   croniter: 25 00:30, 25 01:30, 26 01:30; spring: 29 01:00
#   APScheduler: 25 00:30, 25 01:30, 26 01:30; spring: 29 01:30
#   cronsim: 25 00:30, 26 01:30, 27 01:30; spring: 29 01:00
. "$(dirname "$0")/lib.sh"

pypi croniter==7.0.0 apscheduler==3.11.3 cronsim==2.8 tzdata==2026.6
cat >"$folder/times.py" <<'EOF'
import datetime
import sys
import zoneinfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

BERLIN = zoneinfo.ZoneInfo('Europe/Berlin')


def with_croniter(start):
    times = croniter('30 2 * * *', start)
    while True:
        yield times.get_next(datetime.datetime)


def with_apscheduler(start):
    trigger, previous = CronTrigger(hour=2, minute=30, timezone=BERLIN), None
    while True:
        previous = trigger.get_next_fire_time(previous, previous or start)
        yield previous


def with_cronsim(start):
    return CronSim('30 2 * * *', start)


def utc(moment):
    return moment.astimezone(datetime.timezone.utc).strftime('%d %H:%M')


library = globals()['with_' + sys.argv[1]]
autumn = library(datetime.datetime(2026, 10, 24, 12, tzinfo=BERLIN))
spring = library(datetime.datetime(2026, 3, 28, 12, tzinfo=BERLIN))
print('%s, %s, %s; spring: %s' % tuple(utc(next(times)) for times in (autumn, autumn, autumn, spring)))
EOF
once="25 00:30, 26 01:30, 27 01:30; spring: none, or 29 01:30"
twice="25 00:30, 25 01:30, 26 01:30"
compare croniter "$once" "$twice; spring: 29 01:00" "$("$python" "$folder/times.py" croniter)"
compare APScheduler "$once" "$twice; spring: 29 01:30" "$("$python" "$folder/times.py" apscheduler)"
compare cronsim "$once" "25 00:30, 26 01:30, 27 01:30; spring: 29 01:00" "$("$python" "$folder/times.py" cronsim)"
verdict

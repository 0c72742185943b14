#!/usr/bin/env bash
# A job for every minute doesn't run for a whole hour when summer time ends, under
# Celery 5.7.0 (crontab() with a timezone that has summer time) and under systemd
# 252 (OnCalendar=minutely): both go from 02:59 CEST to 03:00 CET. An hourly job
# misses a turn likewise. Monitoring by such a job raises an alarm once a year.
#
# Guessed: the next run is a minute later; "every minute" doesn't name an hour
# that could be twice there.
#
# Seen (Europe/Berlin, 2026-10-25, times in UTC):
#   celery: 00:58 00:59 02:00 02:01
#   systemd: 00:58 00:59 02:00 02:01
. "$(dirname "$0")/lib.sh"

need systemd-analyze
debian systemd 252.39
pypi celery==5.7.0 freezegun==1.5.5 tzdata==2026.6
cat >"$folder/beat.py" <<'EOF'
"""The scheduler of `celery beat`, asked every ten seconds of a night."""
import datetime

from celery import Celery
from celery.beat import Scheduler
from celery.schedules import crontab
from freezegun import freeze_time

app = Celery('night', broker='memory://')
app.conf.timezone = 'Europe/Berlin'
app.conf.beat_schedule = {'minutely': {'task': 'minutely', 'schedule': crontab()}}
runs = []


class Recorder(Scheduler):
    def apply_async(self, entry, *args, **kwargs):
        runs.append(datetime.datetime.now(datetime.timezone.utc).strftime('%H:%M'))


with freeze_time('2026-10-25 00:57:35') as clock:
    scheduler = Recorder(app)
    for _ in range(6 * 64):
        scheduler.tick()
        clock.tick(10)
print(*runs[:4])
EOF
compare "celery beat" "00:58 00:59 01:00 01:01" "00:58 00:59 02:00 02:01" "$("$python" "$folder/beat.py")"
# 00:57:35 UTC
compare "systemd timer" "00:58 00:59 01:00 01:01" "00:58 00:59 02:00 02:01" "$(
    TZ=Europe/Berlin systemd-analyze calendar --iterations=4 --base-time=@1792889855 minutely |
        sed -n 's/.*(in UTC): .* \([0-9]*:[0-9]*\):00 UTC$/\1/p' | xargs)"
verdict

#!/usr/bin/env bash
# Twelve jobs of APScheduler 3.11.3 that are due in the same second, as the daily ones at
# midnight, and take two seconds each: two of them don't run, on that day. There are ten
# threads, and a job that hasn't begun a second after its time (misfire_grace_time) is
# skipped, with a warning in the log.
#
# Guessed: the eleventh begins when the first is done.
#
# Seen (jobs that ran, of which take so long):
#   12 of 2 seconds: 10
#   12 of 0.1 seconds: 12
#   12 of 2 seconds, misfire_grace_time=60: 12
. "$(dirname "$0")/lib.sh"

pypi APScheduler==3.11.3
cd "$folder"
cat >jobs.py <<'END'
import datetime
import sys
import time

from apscheduler.schedulers.background import BackgroundScheduler

seconds, options = float(sys.argv[1]), {'misfire_grace_time': 60} if len(sys.argv) > 2 else {}
ran = []


def job(number):
    ran.append(number)
    time.sleep(seconds)


scheduler = BackgroundScheduler(timezone='UTC')
moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
for number in range(12):
    scheduler.add_job(job, 'cron', (number,), hour=moment.hour, minute=moment.minute, second=moment.second, **options)
scheduler.start()
time.sleep(8)
print(len(ran))
END
compare "of 2 s" 12 10 "$("$python" jobs.py 2 2>warnings)"
compare "warnings" 0 2 "$(grep -c missed warnings)"
compare "of 0.1 s" 12 12 "$("$python" jobs.py 0.1)"
compare "of 2 s, with misfire_grace_time" 12 12 "$("$python" jobs.py 2 60)"
verdict

#!/usr/bin/env bash
# APScheduler 3.11.3 deletes a job from its store when it is due and its function can't be
# imported: one deployment with a mistake in an import, a renamed module or a missing
# package, and the schedule is gone for good, one-off reminders of customers included.
# The deployment that mends it has nothing to run. get_jobs(), which pages of
# administration call, deletes all of them, those that are due next year as well.
#
# Guessed: the job fails, with an error in the log, and runs at its next time.
#
# Seen, jobs in the store:
#   at first                                              2 (each second; in a year)
#   after a scheduler that can't import their module      1 (in a year)
#   after get_jobs() there                                0
#   after the mend: jobs run                              0
. "$(dirname "$0")/lib.sh"

debian_redis
pypi APScheduler==3.11.3 redis==8.1.0
cd "$folder"
cat >good.py <<'END'
def note():
    with open('ran', 'a') as file:
        print('ran', file=file)
END
cat >scheduler.py <<'END'
import datetime
import os
import sys
import time

from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler(timezone='UTC')
scheduler.add_jobstore('redis', port=int(os.environ['REDIS']))
scheduler.start(paused=sys.argv[1] in ('first', 'list'))
if sys.argv[1] == 'first':
    year = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=365)
    scheduler.add_job('jobs:note', 'interval', seconds=1, misfire_grace_time=None)
    scheduler.add_job('jobs:note', 'date', run_date=year)
elif sys.argv[1] == 'list':
    scheduler.get_jobs()
else:
    time.sleep(4)
scheduler.shutdown()
END
# step WHAT: as a process of its own, and the number of jobs after it.
step() {
    "$python" -B scheduler.py "$1" 2>>scheduler.log
    redis-cli -p "$redis" HLEN apscheduler.jobs
}
export REDIS=$redis
cp good.py jobs.py
compare "jobs at first" 2 2 "$(step first)"
echo 'import of_a_package_that_is_missing' >jobs.py
compare "after a scheduler that can't import them" 2 1 "$(step run)"
compare "after get_jobs() there" 2 0 "$(step list)"
cp good.py jobs.py
compare "after the mend" 2 0 "$(step run)"
compare "whether they run" yes no "$(if [ -s ran ]; then echo yes; else echo no; fi)"
verdict

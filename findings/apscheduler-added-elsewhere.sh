#!/usr/bin/env bash
# APScheduler 3.11.3: the scheduler sleeps until the next of the jobs that it knows, and
# doesn't hear of those that another process puts into its job store (a view that says "in
# a second"). It finds them when it wakes up for something else; by then they are later
# than misfire_grace_time, a second by default, and are removed without having been run.
# Without other jobs it never wakes up.
#
# Guessed: the job is run after a second: the scheduler looks into the store that they share.
#
# Seen, a job for the next second, added by another process:
#   the scheduler has nothing else to do     not run, in the store
#   it has a job every 15 seconds           not run, gone
#   so, with misfire_grace_time=None         run, when that job is
. "$(dirname "$0")/lib.sh"

debian_redis
pypi APScheduler==3.11.3 redis==8.1.0
cd "$folder"
cat >jobs.py <<'END'
def note(name):
    with open('ran', 'a') as file:
        print(name, file=file)
END
cat >scheduler.py <<'END'
import os
import sys

from apscheduler.schedulers.blocking import BlockingScheduler

import jobs

scheduler = BlockingScheduler(timezone='UTC')
scheduler.add_jobstore('redis', port=int(os.environ['REDIS']), db=int(sys.argv[1]))
if sys.argv[2] == 'busy':
    scheduler.add_job(jobs.note, 'interval', seconds=15, args=['other'], misfire_grace_time=None)
scheduler.add_listener(lambda event: jobs.note('started'), 1)
scheduler.start()
END
cat >add.py <<'END'
import datetime
import os
import sys

from apscheduler.schedulers.background import BackgroundScheduler

import jobs

scheduler = BackgroundScheduler(timezone='UTC')
scheduler.add_jobstore('redis', port=int(os.environ['REDIS']), db=int(sys.argv[1]))
scheduler.start(paused=True)
options = {'misfire_grace_time': None} if sys.argv[2:] else {}
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
scheduler.add_job(jobs.note, 'date', run_date=soon, args=['soon'], id='soon', **options)
scheduler.shutdown()
END
export REDIS=$redis
# seen DATABASE SCHEDULER [GRACE]
seen() {
    rm -f ran
    start "$1.log" "$python" scheduler.py "$1" "$2"
    eventually 20 grep -q started ran
    "$python" add.py "$1" ${3:+"$3"}
    sleep "$([ "$2" = idle ] && echo 6 || echo 18)"
    kill -KILL -- "-$pid"
    echo "run $(grep -c soon ran), kept $(redis-cli -p "$redis" -n "$1" HEXISTS apscheduler.jobs soon)"
}
compare "a scheduler with nothing else to do" "run 1, kept 0" "run 0, kept 1" "$(seen 1 idle)"
compare "with another job every 15 seconds" "run 1, kept 0" "run 0, kept 0" "$(seen 2 busy)"
compare "so, with misfire_grace_time=None" "run 1, kept 0" "run 1, kept 0" "$(seen 3 busy None)"
verdict

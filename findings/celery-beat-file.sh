#!/usr/bin/env bash
# What Celery 5.7.0's beat sends when it starts depends on its file celerybeat-schedule.
# With the file of a beat that was down for three days, every task that was missed is sent
# at once, once, the job of 3:00 at noon, too (beat_cron_starting_deadline limits that).
# Without the file nothing is sent, and each interval begins anew: where every deployment
# starts a new container, an interval that is longer than the time between two deployments
# never ends.
#
# Guessed: a crontab line runs at its times alone; an interval starts with its first run.
#
# Seen (an interval of an hour, and a crontab line of two minutes ago):
#   first start                          nothing
#   again, the file three days old       crontab interval
#   again, at once                       nothing
#   again, the file lost                 nothing
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os

from celery import Celery
from celery.schedules import crontab

app = Celery('tasks', broker='redis://127.0.0.1:%s/0' % os.environ['REDIS'])
app.conf.update(timezone='UTC', beat_schedule={
    'interval': {'task': 'interval', 'schedule': 3600.0},
    'crontab': {'task': 'crontab', 'schedule': crontab(minute=os.environ['MINUTE'])},
})
END
cat >older.py <<'END'
"""As if beat had been down for three days."""
import shelve
from datetime import timedelta

import tasks  # noqa: F401

with shelve.open('celerybeat-schedule', writeback=True) as schedule:
    for entry in schedule['entries'].values():
        entry.last_run_at -= timedelta(days=3)
END
MINUTE=$(((10#$(date -u +%M) + 58) % 60))
export MINUTE PYTHONPATH=$folder REDIS=$redis
# sent: the tasks that beat sends within 3 seconds of its start
sent() {
    redis-cli -p "$redis" FLUSHALL >flushed
    rm -f beat.log
    start beat.log "$bin/celery" -A tasks beat -l INFO
    eventually 60 grep -q 'beat: Starting' beat.log || cat beat.log >&2
    sleep 3
    # It writes its file when it ends.
    kill -TERM "$pid"
    eventually 20 ended "$pid" || true
    grep -o 'Sending due task [a-z]*' beat.log | sed 's/.* //' | sort | xargs | sed 's/^$/nothing/' || true
}
ended() {
    ! kill -0 "$1"
}
compare "first start" interval nothing "$(sent)"
"$python" older.py
compare "three days later" interval "crontab interval" "$(sent)"
compare "again" nothing nothing "$(sent)"
rm -f celerybeat-schedule*
compare "the file lost" interval nothing "$(sent)"
verdict

#!/usr/bin/env bash
# streaq 7.2.0 keeps cron lines in Redis, and takes none away: a job whose line was taken out
# of the code is sent on for good by workers of the new code, and is run as long as
# there is a function of that name. Nothing but its keys in Redis says why.
#
# Guessed: the lines of the code that runs now count.
#
# Seen, runs by a worker whose code has no line for the job:
#   after a worker that had one for every two seconds: 3 or more
. "$(dirname "$0")/lib.sh"

debian_redis
pypi streaq==7.2.0
cd "$folder"
cat >by_streaq.py <<'END'
import os

from streaq import Worker

worker = Worker(redis_url=os.environ['REDIS'])


@(worker.cron(os.environ['CRON']) if os.environ['CRON'] else worker.task)
async def job():
    with open(os.environ['RAN'], 'a') as file:
        file.write('ran\n')
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
ran() {
    [ "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2" ]
}
CRON='*/2 * * * * * *' RAN=before start before.log "$bin/streaq" run by_streaq:worker
eventually 60 ran before 1
kill -TERM "$pid"
eventually 20 test ! -e "/proc/$pid"
CRON='' RAN=after start after.log "$bin/streaq" run by_streaq:worker
compare "after every two seconds" 0 "3 or more" \
    "$(if eventually 40 ran after 3; then echo "3 or more"; else cat after 2>/dev/null | wc -l; fi)"
verdict

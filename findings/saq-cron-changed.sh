#!/usr/bin/env bash
# saq 0.26.4: a new line of a cron job begins to count after the next time of the old one,
# which is in Redis and stands there: what ran each January, and shall run each minute,
# first does so in January, however often workers are started anew.
#
# Guessed: the line of the code that runs now counts, from its start.
#
# Seen, a worker whose job is due every two seconds, for ten seconds:
#   without another before it                      3 runs or more
#   after a worker that had '0 0 1 1 *'            none
. "$(dirname "$0")/lib.sh"

debian_redis
pypi saq==0.26.4 typing-extensions==4.16.0 redis==7.4.1 croniter==7.0.0
cd "$folder"
cat >by_saq.py <<'END'
import os

from saq import CronJob, Queue

queue = Queue.from_url('redis://127.0.0.1:%s/%s' % (os.environ['REDIS'], os.environ['DATABASE']))


async def job(context):
    with open(os.environ['RAN'], 'a') as file:
        file.write('ran\n')


async def startup(context):
    open(os.environ['RAN'] + '.up', 'w').close()


settings = {
    'startup': startup, 'queue': queue, 'functions': [], 'cron_jobs': [CronJob(job, cron=os.environ['CRON'])],
}
END
export PYTHONPATH=$folder REDIS=$redis DATABASE CRON RAN
# A worker with such code, until something of it is there.
worker() {
    CRON=$1 RAN=$2
    shift 2
    start "$RAN.log" "$@"
}
ran() {
    [ "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2" ]
}
enough() {
    eventually 40 test -e "$1.up"
    eventually 10 ran "$1" 3 || true
    if ran "$1" 3; then echo "3 or more"; else echo "$(cat "$1" 2>/dev/null | wc -l)"; fi
    kill -KILL -- "-$pid"
}
waiting() {
    [ -n "$(redis-cli -p "$redis" -n 2 --scan --pattern '*cron:job')" ]
}
DATABASE=1
worker '* * * * * */2' saq-alone "$bin/saq" by_saq.settings
compare "without another before it" "3 or more" "3 or more" "$(enough saq-alone)"
DATABASE=2
worker '0 0 1 1 *' saq-before "$bin/saq" by_saq.settings
eventually 30 waiting
kill -KILL -- "-$pid"
worker '* * * * * */2' saq-after "$bin/saq" by_saq.settings
compare "after '0 0 1 1 *'" "3 or more" 0 "$(enough saq-after)"
verdict

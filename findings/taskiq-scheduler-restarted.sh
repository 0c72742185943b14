#!/usr/bin/env bash
# taskiq 0.13.0: its scheduler remembers nothing of what it sent. One that is started again
# within the minute of a cron line sends that job again, and one with an interval of
# an hour each time that it starts: twelve deployments a day are twelve runs more, and one
# that is started anew every half an hour sends it every half an hour.
# --skip-first-run keeps it from the first only.
#
# Guessed: the job of that minute is sent once, and an interval is counted from its last
# run, or from the start (Celery's beat).
#
# Seen (started again and again):
#                                         without    --skip-first-run
#   one minute's cron job is sent twice   yes        no
#   hourly one is sent at each start      yes        yes
. "$(dirname "$0")/lib.sh"

debian_redis
pypi taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0
cd "$folder"
cat >tasks.py <<'END'
import os

import taskiq
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import ListQueueBroker

broker = ListQueueBroker(os.environ['REDIS'], queue_name='queue')
scheduler = taskiq.TaskiqScheduler(broker, [LabelScheduleSource(broker)])


@broker.task('of_the_minute', schedule=[{'cron': '* * * * *'}])
async def of_the_minute():
    pass


@broker.task('hourly', schedule=[{'interval': 3600}])
async def hourly():
    pass
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
ended() {
    ! kill -0 "$1" 2>/dev/null
}
# sent TASK: the minutes in which it was.
sent() {
    sed -n "s/^\[\(....-..-.. ..:..\).*Sending task $1 .*/\1/p" scheduler-*.log
}
sent_again() {
    [ "$(sent hourly | wc -l)" -ge "$1" ]
}
# seen STARTS OPTION...: until two of them sent the job of one minute.
seen() {
    local starts=$1 time again=no
    shift
    rm -f scheduler-*.log
    for time in $(seq "$starts"); do
        start "scheduler-$time.log" "$bin/taskiq" scheduler "$@" tasks:scheduler
        eventually 60 sent_again "$time"
        # Both are sent in the same second.
        sleep 1
        kill -TERM "$pid"
        eventually 30 ended "$pid"
        [ -z "$(sent of_the_minute | uniq -d)" ] || again=yes
        [ $again = no ] || break
    done
    if [ "$(sent hourly | wc -l)" = "$time" ]; then echo "$again, at each"; else echo "$again, other"; fi
}
compare "one minute's job again, an hourly one at each start" "no, once" "yes, at each" "$(seen 9)"
compare "the same, --skip-first-run" "no, once" "no, at each" "$(seen 3 --skip-first-run)"
verdict

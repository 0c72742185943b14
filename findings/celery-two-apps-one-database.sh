#!/usr/bin/env bash
# Celery 5.7.0, Redis: visibility_timeout is that of whoever looks. What all apps of a
# database hold is in one list, whatever their queues; each worker looks through it every
# 100 s, and puts back what is older than its own timeout. So where an app of short tasks
# has a short one, the long tasks of another app with acks_late are run again and again,
# though its own timeout is an hour. Neither log has a warning.
#
# Guessed: each app's own timeout and queue; the task runs once.
#
# Seen, how often a task of 25 s was begun within 28 s (a look each ten seconds, by the
# option unacked_restore_interval, so that nobody waits):
#   both apps in one database        more than once
#   each in a database of its own    once
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 kombu==5.7.0 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os
import sys
import time

from celery import Celery

name = os.environ['APP']
app = Celery(name, broker=os.environ['BROKER'])
app.conf.task_default_queue = name
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {
    'visibility_timeout': {'reports': 3600, 'mail': 3}[name], 'unacked_restore_interval': 1,
}


@app.task(name=name + '.job')
def job(seconds):
    with open('began', 'a') as file:
        print(name, file=file)
    time.sleep(seconds)


if __name__ == '__main__':
    job.delay(int(sys.argv[1]))
END
# app VARIANT NAME DATABASE PROGRAM...: as that app, in a folder of the variant.
app() {
    mkdir -p "$folder/$1"
    cd "$folder/$1"
    export PYTHONPATH=$folder APP=$2 BROKER=redis://127.0.0.1:$redis/$3
}
worker() {
    app "$@"
    start "$1/$2.log" "$bin/celery" -A tasks worker --concurrency 2 --loglevel INFO --hostname "$2@here"
    eventually 30 grep -q ' ready\.' "$2.log"
}
send() {
    app "$@"
    "$python" "$folder/tasks.py" 25
}
often() {
    [ "$(wc -l <"$folder/$1/began")" = 1 ] && echo once || echo "more than once"
}
worker shared reports 0
worker shared mail 0
worker apart reports 1
worker apart mail 2
send shared reports 0
send apart reports 1
sleep 28

compare "both apps in one database" "once" "more than once" "$(often shared)"
compare "each in a database of its own" "once" "once" "$(often apart)"
verdict

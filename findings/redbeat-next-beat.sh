#!/usr/bin/env bash
# celery-redbeat 2.4.2: a beat that is killed keeps its lock for 25 minutes, in which no other
# one sends anything. In a deployment that starts the new one before it stops the old
# one, the new one looks at the lock every five minutes only, though the old one has given it
# up. redbeat_lock_timeout shortens the first, beat_max_loop_interval both.
#
# Guessed: the next one goes on within seconds, or after some 30 s if the first was killed.
#
# Seen (a job for every second):
#   alone                                    sends
#   started second, the first gets SIGTERM   sends nothing in the 12 s after its end; the lock is free
#   started after the first was killed       sends nothing in 12 s; the lock is there for 1500 s
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 celery-redbeat==2.4.2 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os

from celery import Celery

app = Celery('tasks', broker=os.environ['REDIS'] + '/1')
app.conf.redbeat_redis_url = os.environ['REDIS'] + '/2'
app.conf.beat_schedule = {'often': {'task': 'often', 'schedule': 1}}
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
beat() {
    start "$1.log" "$bin/celery" -A tasks beat --scheduler redbeat.RedBeatScheduler --loglevel INFO --pidfile=
}
has_sent() {
    grep -q 'Sending due task' "$1.log"
}
# sends NAME SECONDS
sends() {
    if eventually "$2" has_sent "$1"; then echo sends; else echo "sends nothing"; fi
}
lock() {
    local seconds
    seconds=$(redis-cli -p "$redis" -n 2 ttl redbeat::lock)
    if [ "$seconds" = -2 ]; then
        echo "no lock"
    elif [ "$seconds" -gt 1380 ] && [ "$seconds" -le 1500 ]; then
        echo "locked for 1500 s"
    else
        echo "locked for $seconds s"
    fi
}
ended() {
    ! kill -0 "$1" 2>/dev/null
}
beat first
first=$pid
compare alone sends sends "$(sends first 30)"
beat second
eventually 30 grep -q 'beat: Starting' second.log
# It meets the lock that the first has.
sleep 5
kill -TERM "$first"
eventually 30 ended "$first"
compare "the second, after SIGTERM to the first" "sends, locked" "sends nothing, no lock" "$(sends second 12), $(lock)"
kill -KILL "$pid"
beat third
compare "the third, alone again" sends sends "$(sends third 30)"
kill -KILL "$pid"
beat fourth
compare "after kill -9 of that" "sends, locked" "sends nothing, locked for 1500 s" "$(sends fourth 12), $(lock)"
verdict

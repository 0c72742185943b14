#!/usr/bin/env bash
# Celery 5.7.0, Redis: what was revoked is in the memory of the workers alone. A task with a
# countdown that is revoked is run at its time if all workers have been restarted until
# then, as by a deployment: they put the message back, and it isn't marked. It isn't run
# where one of two workers is always there, as they ask each other when they start, nor
# with a file for each (--statedb), which a container loses. The log says "revoked" in
# each case.
#
# Guessed: it isn't run, since the worker that gave the task back knows that it is revoked.
#
# Seen, whether a revoked task was run:
#   one worker, restarted               run
#   two workers, one after the other    not run
#   one worker with --statedb           not run
. "$(dirname "$0")/lib.sh"

debian_redis
pypi celery==5.7.0 redis==7.4.1 packaging==26.4
cd "$folder"
cat >tasks.py <<'END'
import os
import sys

from celery import Celery

app = Celery('tasks', broker=os.environ['BROKER'])


@app.task
def job(name):
    with open('done', 'a') as done:
        print(name, file=done)


if __name__ == '__main__':
    if sys.argv[1] == 'send':
        # The second one is run in any case, later: it tells when to look.
        print(job.apply_async(['revoked'], countdown=30).id)
        job.apply_async(['other'], countdown=33)
    else:
        app.control.revoke(sys.argv[2])
END
# variant NAME NUMBER: a folder and a database of its own.
variant() {
    mkdir "$folder/$1"
    cd "$folder/$1"
    variant=$1
    export BROKER=redis://127.0.0.1:$redis/$2 PYTHONPATH=$folder
}
# worker NAME OPTION...: one that is ready.
worker() {
    start "$variant/$1.log" "$bin/celery" -A tasks worker --pool solo --loglevel INFO --hostname "$1@here" "${@:2}"
    echo "$pid" >"$1.pid"
    eventually 30 grep -q ' ready\.' "$1.log"
}
stop() {
    kill -TERM "$(cat "$1.pid")"
    eventually 20 test ! -e "/proc/$(cat "$1.pid")"
}
# revoke WORKER...: sends both tasks, and revokes the first once all know it.
revoke() {
    local id worker
    id=$("$python" ../tasks.py send)
    eventually 20 grep -q "$id. received" ./*.log
    "$python" ../tasks.py revoke "$id"
    for worker; do
        eventually 20 grep -q "flagged as revoked: $id" "$worker.log"
    done
}
outcome() {
    eventually 60 grep -q other "$folder/$1/done" || return 0
    grep -q revoked "$folder/$1/done" && echo run || echo "not run"
}
variant one 1
worker a
revoke a
stop a
worker b

variant two 2
worker a
worker b
revoke a b
stop a
worker c
stop b
worker d

variant file 3
worker a --statedb "$folder/state"
revoke a
stop a
worker a --statedb "$folder/state"

compare "one worker, restarted" "not run" "run" "$(outcome one)"
compare "two workers, one after the other" "not run" "not run" "$(outcome two)"
compare "one worker with a file" "not run" "not run" "$(outcome file)"
verdict

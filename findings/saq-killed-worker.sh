#!/usr/bin/env bash
# saq 0.26.4: a job whose worker was killed isn't done again: when its timeout has passed,
# another worker makes it "aborted (swept)", as one try is all it has (retries=1). With
# retries=2 it is done again. But then a job of a plain function, which runs in a thread
# that nothing can stop, is begun a second time while the first runs on, as soon as it
# takes longer than its timeout (ten seconds by default); both run to their end, and
# the job has failed, or was aborted, all the same.
#
# Guessed: done again by another worker; one at a time.
#
# Seen (timeouts of 5 and 2 s):
#   worker killed               aborted (swept), begun 1, ended 0
#   worker killed, retries=2    complete, begun 2, ended 1
#   function of 6 s, retries=2  begun 2 (at once: 2), ended 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi saq==0.26.4 redis==7.4.1 typing_extensions==4.16.0
cd "$folder"
cat >tasks.py <<'END'
import asyncio
import os
import sys
import time

from saq import Queue

queue = Queue.from_url(os.environ['REDIS'])


def note(name, what):
    with open(name, 'a') as log:
        log.write(what + '\n')


async def job(ctx, *, name):
    lines = open(name).read().split('\n') if os.path.exists(name) else []
    note(name, 'begun')
    if 'begun' not in lines:
        await asyncio.sleep(60)
    note(name, 'ended')


def function(ctx, *, name):
    note(name, 'begun')
    time.sleep(6)
    note(name, 'ended')


settings = {'queue': queue, 'functions': [job, function], 'concurrency': 4, 'timers': {'sweep': 1}}


async def main(what, name, *options):
    await queue.connect()
    if what == 'status':
        found = await queue.job(name)
        print(found.status.value + (' (swept)' if found.error == 'swept' else ''))
    else:
        options = dict(option.split('=') for option in options)
        await queue.enqueue(what, key=name, name=name, **{key: int(value) for key, value in options.items()})
    await queue.disconnect()


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
worker() {
    start "$1.log" "$bin/saq" tasks.settings
}
status() {
    "$python" tasks.py status "$1"
}
count() {
    grep -c "$2" "$1" || true
}
counts() {
    [ "$(count "$1" "$2")" -ge "$3" ]
}
ended() {
    case $(status "$1") in aborted* | complete | failed) ;; *) return 1 ;; esac
}
worker first
"$python" tasks.py job killed timeout=5
"$python" tasks.py job retried timeout=5 retries=2
eventually 20 counts killed begun 1
eventually 20 counts retried begun 1
kill -KILL -- "-$pid"
worker second
killed() {
    eventually 20 ended "$1" || true
    echo "$(status "$1"), begun $(count "$1" begun), ended $(count "$1" ended)"
}
compare "worker killed" "complete, begun 2, ended 1" "aborted (swept), begun 1, ended 0" "$(killed killed)"
compare "worker killed, retries=2" "complete, begun 2, ended 1" "complete, begun 2, ended 1" "$(killed retried)"
slow() {
    "$python" tasks.py function slow timeout=2 retries=2
    eventually 20 counts slow ended 1 || true
    eventually 20 counts slow ended 2 || true
    # Begun twice before the first ended?
    local both=1
    [ "$(sed -n 2p slow)" != begun ] || both=2
    echo "begun $(count slow begun) (at once: $both), ended $(count slow ended)"
}
compare "function beyond its timeout, retries=2" "begun 2 (at once: 1), ended 2" \
    "begun 2 (at once: 2), ended 2" "$(slow)"
verdict

#!/usr/bin/env bash
# taskiq-redis 1.2.4 (RedisStreamBroker): workers look for jobs of killed workers just after they
# got another job. So on a quiet queue a killed worker's job isn't done after idle_timeout,
# but whenever the next job is sent. And what is done for longer than
# idle_timeout (ten minutes by default) is begun a second time then, beside the first,
# by the same worker, too: nothing tells Redis that it is still alive.
#
# Guessed: done again soon after idle_timeout; once only if its worker lives.
#
# Seen (idle_timeout of a second, one worker):
#   a job whose worker was killed    begun 1 in 6 s; after another job: 2
#   a job of a worker that lives     begun 1 in 6 s; after another job: 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0
cd "$folder"
cat >tasks.py <<'END'
import asyncio
import os
import sys

from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(os.environ['REDIS'] + '/' + os.environ['DATABASE'], idle_timeout=1000)


@broker.task
async def job(name, seconds):
    with open(name, 'a') as log:
        log.write('begun\n')
    await asyncio.sleep(seconds)


async def main():
    await broker.startup()
    await job.kiq(sys.argv[1], float(sys.argv[2]))
    await broker.shutdown()


if __name__ == '__main__':
    asyncio.run(main())
END
export PYTHONPATH=$folder REDIS=redis://127.0.0.1:$redis
begun() {
    [ "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2" ]
}
worker() {
    start "$DATABASE-$1.log" "$bin/taskiq" worker tasks:broker --workers 1
    eventually 30 grep -q 'Listening started' "$folder/$DATABASE-$1.log"
}
seen() {
    worker first
    "$python" tasks.py "$1" 60
    eventually 20 begun "$1" 1
    if [ "$1" = killed ]; then
        kill -KILL -- "-$pid"
        worker second
    fi
    eventually 6 begun "$1" 2 || true
    printf 'begun %d in 6 s; ' "$(wc -l <"$1")"
    "$python" tasks.py other 0
    eventually 10 begun "$1" 2 || true
    echo "after another job: $(wc -l <"$1")"
}
export DATABASE=1
compare "a job whose worker was killed" "begun 2 in 6 s; after another job: 2" \
    "begun 1 in 6 s; after another job: 2" "$(seen killed)"
export DATABASE=2
compare "a job of a worker that lives" "begun 1 in 6 s; after another job: 1" \
    "begun 1 in 6 s; after another job: 2" "$(seen lives)"
verdict

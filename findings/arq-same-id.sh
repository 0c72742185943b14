#!/usr/bin/env bash
# arq 0.28.0: a job that is enqueued with the _job_id of one that has *finished* isn't
# enqueued as long as the result of the first is kept (an hour by default):
# enqueue_job() returns None and raises nothing. A nightly job with a fixed id works; the
# same job started again by hand, or every half hour, silently doesn't run.
#
# Guessed: an id is only refused while its job waits or runs.
#
# Seen (the second one second after the first has finished):
#   enqueued: True, then False; runs: 1
#   with keep_result = 0: enqueued: True, then True; runs: 2
. "$(dirname "$0")/lib.sh"

debian_redis
pypi arq==0.28.0
cat >"$folder/jobs.py" <<'EOF'
import asyncio
import os

from arq import create_pool
from arq.connections import RedisSettings


async def job(context):
    with open('log', 'a') as log:
        print('run', file=log)


class WorkerSettings:
    functions = [job]
    redis_settings = RedisSettings(port=int(os.environ['REDIS']), database=int(os.environ['DATABASE']))
    if os.environ['DATABASE'] == '1':
        keep_result = 0


async def enqueue():
    pool = await create_pool(WorkerSettings.redis_settings)
    print(await pool.enqueue_job('job', _job_id='report') is not None)


if __name__ == '__main__':
    asyncio.run(enqueue())
EOF
cd "$folder"
export REDIS=$redis DATABASE
try() {
    local first second
    DATABASE=$1
    rm -f log
    start worker.log "$bin/arq" jobs.WorkerSettings
    first=$("$python" jobs.py)
    eventually 30 test -s log
    sleep 1
    second=$("$python" jobs.py)
    eventually 4 sh -c '[ "$(grep -c run log)" -gt 1 ]' || true
    echo "enqueued: $first, then $second; runs: $(grep -c run log)"
}
export PYTHONPATH=$folder
compare default "enqueued: True, then True; runs: 2" "enqueued: True, then False; runs: 1" "$(try 0)"
compare "keep_result = 0" "enqueued: True, then True; runs: 2" "enqueued: True, then True; runs: 2" "$(try 1)"
verdict

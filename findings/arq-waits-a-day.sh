#!/usr/bin/env bash
# arq 0.28.0: a job's data expires in Redis a day after its time (expires_extra_ms). So where no
# worker is there over a weekend, or the queue is longer than a day, jobs that wait are
# gone: the worker that comes logs "job ... expired" for each, and its result is
# JobExecutionFailed. Nothing says so when it is enqueued, and its status is "queued" till then.
#
# Guessed: a job without _expires waits until a worker comes.
#
# Seen (the day is let pass by shortening what is left of it in Redis):
#   left for a job of now 24 h, for one that is due in 48 h 72 h
#   after that its status is "queued", and with a worker JobExecutionFailed: it isn't run
. "$(dirname "$0")/lib.sh"

debian_redis
pypi arq==0.28.0 redis==5.3.1
cd "$folder"
cat >tasks.py <<'END'
import asyncio
import os
import sys

from arq import create_pool
from arq.connections import RedisSettings

settings = RedisSettings(port=int(os.environ['REDIS_PORT']))


async def job(context, name):
    with open('done', 'a') as done:
        print(name, file=done)


class WorkerSettings:
    functions = [job]
    redis_settings = settings


async def main():
    pool = await create_pool(settings)
    jobs = [
        await pool.enqueue_job('job', 'kept', _job_id='kept'),
        await pool.enqueue_job('job', 'waited', _job_id='waited'),
        await pool.enqueue_job('job', 'later', _job_id='later', _defer_by=48 * 3600),
    ]
    left = [await pool.pttl('arq:job:' + one.job_id) for one in jobs]
    print(*(round(each / 3600000) for each in left[1:]))
    # A worker that ends with its queue would wait for it.
    await pool.zrem('arq:queue', 'later')
    # The day of one of them is over.
    await pool.pexpire('arq:job:waited', 1)
    while await pool.exists('arq:job:waited'):
        await asyncio.sleep(0.01)
    print((await jobs[1].status()).value)


async def result():
    pool = await create_pool(settings)
    for one in sorted(await pool.all_job_results(), key=lambda one: one.job_id):
        print(one.job_id, 'success' if one.success else type(one.result).__name__)


if __name__ == '__main__':
    asyncio.run(main() if sys.argv[1] == 'send' else result())
END
export REDIS_PORT=$redis PYTHONPATH=$folder
sent=$("$python" tasks.py send)
"$bin/arq" tasks.WorkerSettings --burst >worker.log 2>&1 || true
compare "hours that are left to a job of now, and to one of in 48 hours" "for ever for ever" "24 72" "$(head -n 1 <<<"$sent")"
compare "after a day, without a worker" "queued" "queued" "$(tail -n 1 <<<"$sent")"
compare "what a worker makes of both" "kept success, waited success" "kept success, waited JobExecutionFailed" \
    "$("$python" tasks.py result | paste -sd ',' | sed 's/,/, /g')"
compare "what was run" "kept waited" "kept" "$(sort done | paste -sd ' ')"
verdict

#!/usr/bin/env bash
# arq 0.28.0: a worker that gets SIGTERM cancels the jobs in progress at once, and the next
# worker begins them anew. Each such end counts as a try: after five (max_tries) the job
# is given up ("max retries 5 exceeded"), though it never failed. So a job of an hour
# doesn't survive a day of deployments.
#
# Guessed: the job ends before its worker does; or it is begun anew, however often.
#
# Seen, a job whose worker gets SIGTERM once it is begun, seven workers one after another:
#   begun 5 times, then failed
. "$(dirname "$0")/lib.sh"

debian_redis
pypi arq==0.28.0 redis==5.3.1
cd "$folder"
cat >jobs.py <<'END'
import asyncio
import os

from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import Job


async def job(context):
    with open('begun', 'a') as file:
        file.write('begun\n')
    await asyncio.sleep(60)


class WorkerSettings:
    functions = [job]
    redis_settings = RedisSettings(port=int(os.environ['REDIS']), database=1)


async def main(what):
    pool = await create_pool(WorkerSettings.redis_settings)
    if what == 'send':
        await pool.enqueue_job('job', _job_id='the job')
    else:
        job = Job('the job', pool)
        info = await job.result_info()
        print('failed' if info and not info.success else (await job.status()).value.replace('_', ' '))
END
export PYTHONPATH=$folder REDIS=$redis
begun() {
    [ "$(cat begun 2>/dev/null | wc -l)" -ge "$1" ]
}
begun_or_given_up() {
    begun "$1" || grep -q 'max retries 5 exceeded' "$folder/worker.log"
}
gone() {
    ! kill -0 "$1"
}
"$python" -c "import asyncio, jobs; asyncio.run(jobs.main('send'))"
for number in 1 2 3 4 5 6 7; do
    start worker.log "$bin/arq" jobs.WorkerSettings
    eventually 40 begun_or_given_up "$number"
    begun "$number" || break
    kill -TERM "$pid"
    eventually 20 gone "$pid"
done
compare "begun" 7 5 "$(wc -l <begun)"
compare "the job is" "queued" "failed" "$("$python" -c "import asyncio, jobs; asyncio.run(jobs.main('tell'))")"
verdict

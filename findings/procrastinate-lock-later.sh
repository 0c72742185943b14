#!/usr/bin/env bash
# procrastinate 3.10.0 on PostgreSQL 15: jobs with one `lock` go one after the other, and
# a job that is only due in an hour holds its place: those that were deferred after it wait
# that hour, though nothing runs. So does what follows a job that failed and is to be
# tried again in an hour. Only a job with a higher priority goes before it.
#
# Guessed: a lock is held by a job that runs; what is due later holds up nothing.
#
# Seen (what a worker does until it finds no job, in order):
#   lock a: one due in an hour, then 'now', 'urgent' (priority 5)   urgent
#   lock b: 'fails' (tried again in an hour), then 'next'           fails
#   both without locks                          urgent, now, fails, next
. "$(dirname "$0")/lib.sh"

need psql
postgresql
pypi procrastinate==3.10.0 "psycopg[binary]==3.3.4" psycopg-pool==3.3.3
cd "$folder"
cat >tasks.py <<'END'
import asyncio
import os
import sys

import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(
    conninfo='host=127.0.0.1 user=postgres port=' + os.environ['POSTGRES']))
ran = []


@app.task
def step(name):
    ran.append(name)


@app.task(retry=procrastinate.RetryStrategy(max_attempts=3, wait=3600))
def fails():
    ran.append('fails')
    raise RuntimeError


async def work(first, second):
    async with app.open_async():
        await step.configure(lock=first, schedule_in={'hours': 1}).defer_async(name='later')
        await step.configure(lock=first).defer_async(name='now')
        await step.configure(lock=first, priority=5).defer_async(name='urgent')
        await fails.configure(lock=second).defer_async()
        await step.configure(lock=second).defer_async(name='next')
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False)
    print(', '.join(ran))


def main():
    asyncio.run(work(*sys.argv[1:] or (None, None)))
END
export POSTGRES=$postgres PYTHONPATH=$folder
"$bin/procrastinate" --app=tasks.app schema --apply >schema.log 2>&1
seen() {
    sql -c 'DELETE FROM procrastinate_jobs'
    "$python" -c 'import tasks; tasks.main()' "$@" 2>work.log
}
compare "without locks" "urgent, now, fails, next" "urgent, now, fails, next" "$(seen)"
compare "with locks" "urgent, now, fails, next" "urgent, fails" "$(seen a b)"
verdict

#!/usr/bin/env bash
# How often a task that always fails runs if it's to be tried three times, or to be tried
# again three times: procrastinate 3.10.0's max_attempts=3 means four runs, and taskiq
# 0.13.0's max_retries=3 three, with both of its middlewares. Those of Dramatiq 2.2.1
# (max_retries) and huey 3.5.4 (retries) mean four.
#
# Guessed: three attempts are three runs, three retries four.
#
# Seen:
#   procrastinate, RetryStrategy(max_attempts=3)    4
#   taskiq, SimpleRetryMiddleware, max_retries=3    3
#   taskiq, SmartRetryMiddleware, max_retries=3     3
#   Dramatiq, max_retries=3                         4
#   huey, retries=3                                 4
. "$(dirname "$0")/lib.sh"

need psql
postgresql
debian_redis
pypi procrastinate==3.10.0 "psycopg[binary]==3.3.4" psycopg-pool==3.3.3 taskiq==0.13.0 dramatiq==2.2.1 \
    huey==3.5.4 redis==7.1.0
cd "$folder"
cat >tasks.py <<'END'
import asyncio
import logging
import os
import time

logging.disable(logging.CRITICAL)
runs = []


def fail():
    runs.append(1)
    raise RuntimeError


async def fail_async():
    fail()


async def with_procrastinate():
    import procrastinate
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(
        conninfo='host=127.0.0.1 user=postgres port=' + os.environ['POSTGRES']))
    task = app.task(name='fail', retry=procrastinate.RetryStrategy(max_attempts=3))(fail)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await task.defer_async()
        # Until no job is left.
        await app.run_worker_async(wait=False, install_signal_handlers=False)


async def with_taskiq(middleware, **options):
    import taskiq
    broker = taskiq.InMemoryBroker().with_middlewares(getattr(taskiq, middleware)(**options))
    task = broker.task('fail', retry_on_error=True, max_retries=3)(fail_async)
    await broker.startup()
    await task.kiq()
    # It is sent again at once; a run that is not to be seen would be there long before.
    await asyncio.sleep(5)


async def with_simple():
    await with_taskiq('SimpleRetryMiddleware')


async def with_smart():
    await with_taskiq('SmartRetryMiddleware', default_delay=0)


async def with_dramatiq():
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker
    broker = RedisBroker(port=int(os.environ['REDIS']))
    actor = dramatiq.actor(broker=broker, max_retries=3, min_backoff=1, max_backoff=1)(fail)
    worker = dramatiq.Worker(broker, worker_timeout=100)
    worker.start()
    actor.send()
    dead = 'dramatiq:default.XQ.msgs'
    while not broker.client.exists(dead):
        time.sleep(0.1)


async def with_huey():
    import huey
    queue = huey.MemoryHuey()
    queue.task(retries=3)(fail)()
    while task := queue.dequeue():
        queue.execute(task)


def main(how):
    asyncio.run(globals()['with_' + how]())
    print(len(runs), flush=True)
    os._exit(0)
END
export POSTGRES=$postgres REDIS=$redis PYTHONPATH=$folder
seen() {
    "$python" -c 'import sys, tasks; tasks.main(sys.argv[1])' "$1"
}
compare "procrastinate, max_attempts=3" 3 4 "$(seen procrastinate)"
compare "taskiq, SimpleRetryMiddleware, max_retries=3" 4 3 "$(seen simple)"
compare "taskiq, SmartRetryMiddleware, max_retries=3" 4 3 "$(seen smart)"
compare "Dramatiq, max_retries=3" 4 4 "$(seen dramatiq)"
compare "huey, retries=3" 4 4 "$(seen huey)"
verdict

#!/usr/bin/env bash
# taskiq 0.13.0: wait_result() of a broker without a result backend, which is the default,
# says at once that the task is ready, without an error, and that it returned None: before
# a worker has begun it, without any worker, too. Python's warning is all that tells.
#
# Guessed: it raises, since there are no results.
#
# Seen, the result of a task that no worker does:
#   taskiq                     ready, no error, None
#   Dramatiq 2.2.1             RuntimeError
. "$(dirname "$0")/lib.sh"

debian_redis
pypi taskiq==0.13.0 taskiq-redis==1.2.4 dramatiq==2.2.1 redis==8.1.0
cd "$folder"
cat >jobs.py <<'END'
import asyncio
import os

server = 'redis://127.0.0.1:' + os.environ['REDIS']


def by_taskiq():
    from taskiq_redis import RedisStreamBroker

    broker = RedisStreamBroker(server + '/1')

    @broker.task
    async def add(first, second):
        return first + second

    async def main():
        await broker.startup()
        task = await add.kiq(1, 2)
        result = await task.wait_result(timeout=5)
        print('ready' if await task.is_ready() else 'not ready', result.is_err, result.return_value)
        await broker.shutdown()

    asyncio.run(main())


def by_dramatiq():
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    dramatiq.set_broker(RedisBroker(url=server + '/2'))

    @dramatiq.actor
    def add(first, second):
        return first + second

    return add.send(1, 2).get_result(block=True, timeout=5000)


def main(name):
    try:
        globals()['by_' + name]()
    except Exception as error:
        print(type(error).__name__)
END
export REDIS=$redis PYTHONPATH=$folder
seen() {
    "$python" -W ignore -c "import jobs; jobs.main('$1')" 2>"$1.log" || cat "$1.log"
}
compare "taskiq" "an error" "ready False None" "$(seen taskiq)"
compare "Dramatiq" "RuntimeError" "RuntimeError" "$(seen dramatiq)"
verdict

#!/usr/bin/env bash
# RQ 3.0.0, huey 3.5.4 and saq 0.26.4 take arguments of a job for their own if they are
# named like theirs, without an error: the function gets its default. In saq these
# are all fields of its Job: enqueue('note', status='complete') is done with status='none',
# and of two jobs with the same key= the second is dropped.
#
# Guessed: a function gets the arguments that its job was sent with, or sending it raises.
#
# Seen, a job with all of them, and what its function gets:
#   RQ: description, meta, ttl, at_front             the defaults
#   huey: priority, expires, timeout, id             the defaults
#   saq: status, error, result, key, progress        the defaults
#   Celery (delay), Dramatiq (send): all of these    what was sent
. "$(dirname "$0")/lib.sh"

debian_redis
pypi rq==3.0.0 huey==3.5.4 saq==0.26.4 typing-extensions==4.16.0 celery==5.7.0 packaging==26.4 \
    dramatiq==2.2.1 redis==7.4.1 croniter==7.0.0
cd "$folder"
cat >jobs.py <<'END'
import asyncio
import os

ARGUMENTS = {
    'rq': {'description': 'Invoice 5', 'meta': {'customer': 7}, 'ttl': 60, 'at_front': True},
    'huey': {'priority': 5, 'expires': 60, 'timeout': 30, 'id': '7'},
    'saq': {'status': 'new', 'error': 'late', 'result': 'won', 'key': 'blue', 'progress': 5},
}
EVERY = {name: value for arguments in ARGUMENTS.values() for name, value in arguments.items()}
port = int(os.environ['REDIS'])


def note(**arguments):
    got = {name: value for name, value in arguments.items() if value != 'default'}
    print(len(got), 'of', len(arguments))


def rq_note(description='default', meta='default', ttl='default', at_front='default'):
    note(description=description, meta=meta, ttl=ttl, at_front=at_front)


def by_rq():
    from redis import Redis
    from rq import Queue, SimpleWorker

    queue = Queue(connection=Redis(port=port, db=1))
    queue.enqueue(rq_note, **ARGUMENTS['rq'])
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level='ERROR')


def by_huey():
    from huey import PriorityRedisHuey

    queue = PriorityRedisHuey(port=port, db=2)

    @queue.task()
    def huey_note(priority='default', expires='default', timeout='default', id='default'):
        note(priority=priority, expires=expires, timeout=timeout, id=id)

    huey_note(**ARGUMENTS['huey'])
    queue.execute(queue.dequeue())


def by_saq():
    from saq import Queue, Worker

    async def main():
        done = asyncio.Event()

        async def saq_note(_, status='default', error='default', result='default', key='default', progress='default'):
            note(status=status, error=error, result=result, key=key, progress=progress)
            done.set()

        queue = Queue.from_url('redis://127.0.0.1:%d/3' % port)
        await queue.connect()
        await queue.enqueue('saq_note', **ARGUMENTS['saq'])
        worker = Worker(queue, functions=[('saq_note', saq_note)])
        asyncio.create_task(worker.start())
        await asyncio.wait_for(done.wait(), 30)
        await worker.stop()

    asyncio.run(main())


def by_celery():
    import threading

    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    app = Celery(broker='redis://127.0.0.1:%d/4' % port)
    done = threading.Event()

    @app.task
    def celery_note(**arguments):
        note(**arguments)
        done.set()

    with start_worker(app, perform_ping_check=False, loglevel='ERROR'):
        celery_note.delay(**EVERY)
        done.wait(30)


def by_dramatiq():
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(port=port, db=6)
    dramatiq.set_broker(broker)

    @dramatiq.actor
    def dramatiq_note(**arguments):
        note(**arguments)

    dramatiq_note.send(**EVERY)
    worker = dramatiq.Worker(broker, worker_timeout=100)
    worker.start()
    broker.join('default', timeout=30000)
    worker.join()
    worker.stop()
END
export REDIS=$redis PYTHONPATH=$folder
seen() {
    "$python" -c "import jobs; jobs.by_$1()" 2>"$1.log" || cat "$1.log"
}
compare "RQ" "4 of 4" "0 of 4" "$(seen rq)"
compare "huey" "4 of 4" "0 of 4" "$(seen huey)"
compare "saq" "5 of 5" "0 of 5" "$(seen saq)"
compare "Celery" "13 of 13" "13 of 13" "$(seen celery)"
compare "Dramatiq" "13 of 13" "13 of 13" "$(seen dramatiq)"
verdict

#!/usr/bin/env bash
# Dramatiq 2.2.1, a step that fails (with its last retry): get_result() of a pipeline waits for
# its whole timeout and raises ResultTimeout, as if the job were slow, while
# get_results() of the same pipeline raises ResultFailure at once. The completion
# callback of a group is never sent if one of its messages fails.
#
# Guessed: ResultFailure from both; the callback comes when all messages have ended.
#
# Seen (a timeout of 4 s):
#   (fails | works).get_result()         ResultTimeout
#   (fails | works).get_results()        ResultFailure
#   callback of group(works, works)      called
#   callback of group(fails, works)      not called, 5 s after both have ended
. "$(dirname "$0")/lib.sh"

debian_redis
pypi dramatiq==2.2.1 redis==7.1.0
cd "$folder"
cat >tasks.py <<'END'
import logging
import os
import sys
import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend as Barriers
from dramatiq.results import Results, errors
from dramatiq.results.backends import RedisBackend

port = int(sys.argv[1])
broker = RedisBroker(port=port)
broker.add_middleware(Results(backend=RedisBackend(port=port)))
broker.add_middleware(GroupCallbacks(Barriers(port=port)))
dramatiq.set_broker(broker)
logging.disable(logging.CRITICAL)
called = threading.Event()


@dramatiq.actor(store_results=True, max_retries=0)
def fails():
    raise RuntimeError


@dramatiq.actor(store_results=True, max_retries=0)
def works(*args):
    return 1


@dramatiq.actor
def callback():
    called.set()


def result(get):
    try:
        return get()
    except errors.ResultError as error:
        return type(error).__name__


def group(first):
    called.clear()
    group = dramatiq.group([first.message(), works.message()])
    group.add_completion_callback(callback.message())
    group.run()
    for message in group.children:
        result(lambda: message.get_result(block=True, timeout=20000))
    return 'called' if called.wait(20 if first is works else 5) else 'not called'


worker = dramatiq.Worker(broker, worker_timeout=100)
worker.start()
if sys.argv[2] == 'pipeline':
    pipeline = (fails.message() | works.message()).run()
    for message in pipeline.messages[:1]:
        result(lambda: message.get_result(block=True, timeout=20000))
    one = result(lambda: pipeline.get_result(block=True, timeout=4000))
    print('%s, %s' % (one, result(lambda: list(pipeline.get_results(block=True, timeout=4000)))))
else:
    print('%s, %s' % (group(works), group(fails)))
sys.stdout.flush()
os._exit(0)
END
compare "a pipeline's get_result(), get_results()" "ResultFailure, ResultFailure" "ResultTimeout, ResultFailure" \
    "$("$python" tasks.py "$redis" pipeline)"
compare "callback, without and with a failure" "called, called" "called, not called" \
    "$("$python" tasks.py "$redis" group)"
verdict

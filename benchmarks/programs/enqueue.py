"""
Enqueue background tasks with the module bench_enqueue of a peer's site, and
wait until the last is done. Python 2.7 and 3.

    python enqueue.py NUMBER

First one task, which starts up what has to be started; then {"ready": true},
a line from stdin, the tasks, and a line of JSON that says what they took.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os
import sys
import time

import redis
from saying import cpu, say


def wait(client, seconds):
    until = time.time() + seconds
    # In short steps: redis-py has time limits of its own.
    while time.time() < until:
        if client.blpop(['bench-done'], 1):
            return
    sys.exit('The last task was not done within %d s.' % seconds)


def main():
    number = int(sys.argv[1])
    from bench_enqueue import enqueue
    client = redis.Redis.from_url(os.environ['BENCH_REDIS'])
    enqueue(1)
    wait(client, 60)
    say(ready=True)
    sys.stdin.readline()
    begin, before = time.time(), cpu()
    enqueue(number)
    enqueued = time.time()
    wait(client, 90)
    say(count=number, seconds=time.time() - begin, enqueuing=enqueued - begin, cpu=cpu() - before)


if __name__ == '__main__':
    main()

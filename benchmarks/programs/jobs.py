"""
Enqueue jobs with the module bench_jobs of a peer's site, and wait for them.

First {"ready": true}, then for each line of JSON from stdin a line that says
what it took:

    {"do": "send", "number": N, "size": S, "variant": V}   N jobs of S bytes
    {"do": "park", "number": N, "seconds": T}   N jobs due in T seconds
    {"do": "later", "number": N, "seconds": T, "span": P}   N jobs due from
        T seconds on, spread over P seconds
    {"do": "wait", "seconds": T}   until the last job is done, at most T
        seconds: {"done": what it said, or null}
"""
import json
import os
import sys
import time

import redis
from saying import cpu, say


def wait(client, seconds):
    """Return what the last job says, or None after so many seconds."""
    until = time.time() + seconds
    # In short steps: redis-py has time limits of its own.
    while time.time() < until:
        found = client.blpop(['bench-done'], 1)
        if found:
            return json.loads(found[1])
    return None


def send(jobs, number, size, variant):
    payload = 'x' * size
    for _ in range(number):
        jobs.send(number, payload, variant)


def park(jobs, number, seconds):
    due = time.time() + seconds
    for index in range(number):
        # In no order, as people's reminders are.
        jobs.send_at(0, due + index * 7919 % number / 1000)


def later(jobs, number, seconds, span):
    first = time.time() + seconds
    for index in range(number):
        jobs.send_at(number, first + span * index / number)


def main():
    import bench_jobs
    client = redis.Redis.from_url(os.environ['BENCH_REDIS'])
    actions = {'send': send, 'park': park, 'later': later}
    say(ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        action = order.pop('do')
        begin, before = time.time(), cpu()
        if action == 'wait':
            say(done=wait(client, order['seconds']), seconds=time.time() - begin)
        else:
            actions[action](bench_jobs, **order)
            say(seconds=time.time() - begin, cpu=cpu() - before)


if __name__ == '__main__':
    main()

"""
The background task of all peers: count, and say when all were done.

One worker process does them, in one thread or several.
"""
import itertools
import json
import os
import threading
import time

_numbers = itertools.count(1)
_lock = threading.Lock()
_jobs = []


def say_done(text):
    """Tell the benchmark in Redis that all is done."""
    # Not above: a management command that imports the routing would be
    # charged for it.
    import redis
    redis.Redis.from_url(os.environ['BENCH_REDIS']).rpush('bench-done', text)


def work(total):
    """Do nothing; the one that is the last of `total` says so in Redis."""
    if next(_numbers) % total == 0:
        say_done('done')


def work_job(total):
    """Do nothing; the last of `total` says so in Redis, and the next is the first of others."""
    with _lock:
        _jobs.append(None)
        is_last = len(_jobs) == total
        if is_last:
            _jobs[:] = []
    if is_last:
        say_done('1')


def work_later(total, due):
    """Note how late a job is that was due at that time; the last of `total` sends a summary. 0: do nothing."""
    if not total:
        return
    now = time.time()
    with _lock:
        _jobs.append((now - due, now))
        done = sorted(_jobs) if len(_jobs) == total else None
        if done:
            _jobs[:] = []
    if done:
        say_done(json.dumps({
            'first': done[0][0], 'p50': done[total // 2][0], 'p99': done[total * 99 // 100][0], 'last': done[-1][0],
            'span': max(at for late, at in done) - min(at for late, at in done),
        }))


def numbered(number, attempt=0):
    """Note in a file that a numbered job begins, take BENCH_WORK seconds, and note that it is done."""
    note('b', number, attempt)
    time.sleep(float(os.environ['BENCH_WORK']))
    note('d', number)


def note(kind, number, attempt=0):
    """
    Append a line: the kind, the number, the worker (whose session it is), the time, and the attempt (0: unknown).

    The kinds: a job begins, "b", or is done, "d"; the worker takes another one
    for dead, "t", whose number that is.
    """
    line = '%s %d %d %.6f %d\n' % (kind, number, os.getsid(0), time.time(), attempt)
    file = os.open(os.environ['BENCH_NOTES'], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, line.encode('ascii'))
    finally:
        os.close(file)

"""
The background task of all peers: count, and say when all were done.

One worker process does them, in one thread or several.
"""
import itertools
import os

import redis

_numbers = itertools.count(1)


def work(total):
    """Do nothing; the one that is the last of `total` says so in Redis."""
    if next(_numbers) % total == 0:
        redis.Redis.from_url(os.environ['BENCH_REDIS']).rpush('bench-done', 'done')

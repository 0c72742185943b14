"""The actor."""
import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

import bench_task

dramatiq.set_broker(RedisBroker(url=os.environ['BENCH_REDIS']))


@dramatiq.actor
def task(total):
    bench_task.work(total)

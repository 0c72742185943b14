"""The actor."""
import os

import bench_task
import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['BENCH_REDIS']))


@dramatiq.actor
def task(total):
    bench_task.work(total)

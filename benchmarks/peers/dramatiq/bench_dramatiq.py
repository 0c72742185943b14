"""The actor."""
import os

import bench_task
import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(url=os.environ['BENCH_REDIS']))


@dramatiq.actor
def task(total):
    bench_task.work(total)


@dramatiq.actor
def job(total, payload):
    bench_task.work_job(total)


@dramatiq.actor
def job_later(total, due):
    bench_task.work_later(total, due)


@dramatiq.actor
def numbered(number):
    bench_task.numbered(number)

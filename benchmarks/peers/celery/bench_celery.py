"""The Celery application."""
import os

import bench_task
import celery

app = celery.Celery('bench', broker=os.environ['BENCH_REDIS'])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=100, broker_connection_retry_on_startup=True)


@app.task
def task(total):
    bench_task.work(total)


@app.task(acks_late=True)
def job(total, payload):
    bench_task.work_job(total)


@app.task(acks_late=True)
def job_later(total, due):
    bench_task.work_later(total, due)

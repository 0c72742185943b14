"""The Celery application."""
import os

import bench_task
import celery

app = celery.Celery('bench', broker=os.environ['BENCH_REDIS'])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=100, broker_connection_retry_on_startup=True)
if os.environ.get('BENCH_VISIBILITY'):
    app.conf.broker_transport_options = {'visibility_timeout': float(os.environ['BENCH_VISIBILITY'])}


@app.task
def task(total):
    bench_task.work(total)


@app.task(acks_late=True)
def job(total, payload):
    bench_task.work_job(total)


@app.task(acks_late=True)
def job_later(total, due):
    bench_task.work_later(total, due)


@app.task(acks_late=True)
def numbered(number):
    bench_task.numbered(number)

"""Routing of jobs."""
import bench_task
from django.channels import route


def job(message):
    bench_task.work_job(message.content['total'])


def job_later(message):
    bench_task.work_later(message.content['total'], message.content['due'])


channel_routing = [
    route('bench.job', job, acknowledged=True),
    route('bench.later', job_later, acknowledged=True),
    route('bench.plain', job),
]

"""Jobs that are acknowledged when they are done."""
import datetime

from bench_celery import job, job_later


def send(total, payload, variant):
    job.delay(total, payload)


def send_at(total, due):
    job_later.apply_async((total, due), eta=datetime.datetime.fromtimestamp(due, datetime.timezone.utc))

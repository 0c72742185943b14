"""Enqueue tasks."""
from bench_celery import task


def enqueue(number):
    for _ in range(number):
        task.delay(number)

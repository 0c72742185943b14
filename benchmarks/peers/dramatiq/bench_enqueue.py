"""Enqueue tasks."""
from bench_dramatiq import task


def enqueue(number):
    for _ in range(number):
        task.send(number)

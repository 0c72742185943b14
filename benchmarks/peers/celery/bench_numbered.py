"""Send numbered jobs."""
from bench_celery import numbered as send_numbered


def send(number):
    send_numbered.delay(number)

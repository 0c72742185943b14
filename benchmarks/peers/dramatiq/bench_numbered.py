"""Send numbered jobs."""
from bench_dramatiq import numbered


def send(number):
    numbered.send(number)

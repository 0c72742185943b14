"""Jobs: Dramatiq acknowledges each when it is done."""
import time

from bench_dramatiq import job, job_later


def send(total, payload, variant):
    job.send(total, payload)


def send_at(total, due):
    job_later.send_with_options(args=(total, due), delay=max(0, int((due - time.time()) * 1000)))

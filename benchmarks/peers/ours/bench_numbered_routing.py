"""Routing of numbered jobs."""
import logging

import bench_task
from django.channels import route


class Deaths(logging.Handler):
    """Notes which workers this one takes for dead."""

    def emit(self, record):
        if record.msg.startswith('Worker %s has died'):
            # Its name is that of its host, its number, and a random one.
            bench_task.note('t', int(record.args[0].split('-')[-2]))


logging.getLogger('django.channels').addHandler(Deaths())


def numbered(message):
    bench_task.numbered(message.content['number'], message.attempt)


channel_routing = [
    route('bench.numbered', numbered, acknowledged=True),
]

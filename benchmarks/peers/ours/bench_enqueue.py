"""Enqueue tasks; a producer that is faster than the worker waits for room."""
from __future__ import unicode_literals

import django

django.setup()

from django.channels import Channel  # noqa: E402: settings come first


def enqueue(number):
    channel = Channel('bench.task')
    layer = channel.channel_layer
    for _ in range(number):
        try:
            channel.send({'total': number})
        except layer.ChannelFull:
            layer.send_blocking(channel.name, {'total': number}, 30)

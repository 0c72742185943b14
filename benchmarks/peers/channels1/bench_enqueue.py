"""Enqueue tasks."""
from __future__ import unicode_literals

import django

django.setup()

from channels import Channel  # noqa: E402: settings come first


def enqueue(number):
    channel = Channel('bench.task')
    for _ in range(number):
        channel.send({'total': number})

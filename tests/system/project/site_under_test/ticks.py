"""What is sent again and again: what SUT_ROUTING=ticks routes."""
from __future__ import unicode_literals

import io
import os

from django.channels import include, route


def tick(message):
    """Note that a run of the schedule was sent."""
    with io.open(os.environ['SUT_TICKS'], 'a') as file:
        file.write('%d\n' % os.getpid())


channel_routing = [
    include('django.channels.schedules.channel_routing'),
    route('ticks', tick, acknowledged=True),
]

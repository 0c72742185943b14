"""
Messages that are sent at certain times: CHANNEL_SCHEDULES.

Workers do it, those whose routing has
``include('django.channels.schedules.channel_routing')``. The next run of each
schedule is a job on an acknowledged channel of the layer: it is there once,
however many workers there are, and outlives them.
"""
from __future__ import absolute_import

from .firing import channel_routing

__all__ = ['channel_routing']

"""
The first run of each schedule, and of each that the layer has lost.
"""
from __future__ import absolute_import, unicode_literals

import functools
import logging

from ..exceptions import ChannelFull, LayerUnavailable
from ..periodic import PeriodicThread
from .firing import plan
from .table import SCHEDULES, schedules_of

logger = logging.getLogger('django.channels')

#: Seconds after which a schedule goes on whose next run is gone, with all that
#: was in the layer.
INTERVAL = 60.0


class Planning(object):
    """
    Has `layer`, a ChannelLayerWrapper, keep the next run of each schedule.

    It does so while the block runs, if `channels`, those of a worker, say
    that it runs them. Raise as Schedule does.
    """

    def __init__(self, layer, channels, interval=INTERVAL):
        self._layer = layer
        self._schedules = schedules_of(layer.alias) if SCHEDULES in channels else []
        self._thread = PeriodicThread('schedules', interval, self.plan)

    def __enter__(self):
        if self._schedules:
            self.plan()
            self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._thread.stop(1.0)

    def plan(self):
        """Plan the next run of each, unless it is planned."""
        send_job = functools.partial(self._layer.send_job, SCHEDULES)
        for schedule in self._schedules:
            try:
                plan(send_job, schedule, self._layer.time())
            except (ChannelFull, LayerUnavailable) as error:
                # It is tried again.
                logger.warning('The next run of the schedule %s could not be planned: %s', schedule.name, error)

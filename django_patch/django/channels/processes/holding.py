"""
Holding of messages by a process, and recovery of what dead ones held.
"""
from __future__ import absolute_import

import logging

from ..exceptions import LayerUnavailable
from ..periodic import PeriodicThread

logger = logging.getLogger('django.channels')

#: Seconds between two searches for messages that dead processes held.
INTERVAL = 2.0


class Holding(object):
    """
    A context manager: messages that this process receives are held by it.

    That is, those on acknowledged channels of `layer`, under the name
    `reader`, which is that of a process that is announced: see `presence`.
    While the block runs, the messages of processes that have died are
    requeued every `interval` seconds. It does nothing for a layer without
    acknowledged channels.
    """

    def __init__(self, layer, reader, interval=INTERVAL):
        self._layer = layer
        self._reader = reader
        self._thread = PeriodicThread('recovery', interval, self.recover)

    def __enter__(self):
        if self._layer.supports_acknowledgement:
            self._layer.hold_as(self._reader)
            self.recover()
            self._thread.start()
        return self

    def __exit__(self, *exc_info):
        if self._layer.supports_acknowledgement:
            self._thread.stop(1.0)
            # The last attempt at what failed before.
            self.recover()
            self._layer.hold_as(None)

    def recover(self):
        """Requeue what dead processes held, and log it."""
        try:
            found = self._layer.recover()
        except LayerUnavailable as error:
            logger.debug('Messages that dead workers held could not be looked for: %s', error)
            return
        except Exception:
            logger.exception('The messages that dead workers held could not be requeued.')
            return
        for channel, reader, returned, dead in found:
            logger.warning(
                'Worker %s has died: %d messages that it held on %s were requeued%s.', reader, returned, channel,
                ', and %d, which were received too often, are dead letters now' % dead if dead else '',
            )

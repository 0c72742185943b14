"""
The log of messages that a layer drops: expired, lost, or not to be read.
"""
from __future__ import absolute_import, unicode_literals

import logging

from .repeats import Repeats

logger = logging.getLogger(__name__)

#: Seconds between two lines of one kind about one channel.
PAUSE = 60.0


class DropLog(object):
    """
    Logs what was dropped, each kind for each channel once a minute at most.

    `monotonic()` returns a time in seconds that is not set back.
    """

    def __init__(self, monotonic):
        self._repeats = Repeats(monotonic, quiet=PAUSE, still=PAUSE)

    def dropped(self, counter, name, reason):
        """Log that a message for `name`, as statistics call it, was dropped for `reason`, text or an exception."""
        self._repeats.log(
            logger, logging.ERROR, (counter, name), 1, 'A message for %s was dropped: %s', name, reason,
        )

    def expired(self, name, number, lifetime):
        """Log that `number` messages for `name`, as statistics call it, were older than `lifetime` seconds."""
        self._repeats.log(
            logger, logging.WARNING, ('expired', name), number,
            'Messages for %s expired (%d): nobody received them within %g s, the "expiry" of the layer.%s',
            name, number, lifetime,
            '' if name.endswith(('!', '?')) else ' An acknowledged channel keeps what waits.',
        )

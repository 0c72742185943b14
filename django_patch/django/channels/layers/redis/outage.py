"""
Classification and logging of outages of Redis servers.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable
from ..backoff import Backoff
from .timeouts import is_timeout

#: Seconds until a server that doesn't answer counts as unreachable.
CONNECT_TIMEOUT, COMMAND_TIMEOUT = 5.0, 10.0
#: The same of one that another has replaced: what it would yet say is lost.
LEAVE_TIMEOUT = 1.0
#: Codes of errors of a server that is the wrong one: a master that became a
#: replica, or a node that gave a slot away. Nothing was executed.
REDIRECTED = frozenset(['READONLY', 'MOVED', 'ASK'])
#: Codes of errors of a server that is not ready, or not any more.
RETRY_LATER = frozenset(['LOADING', 'MASTERDOWN', 'UNBLOCKED', 'CLUSTERDOWN', 'NOAUTH'])
#: Codes by which a server says that another is in charge, or will be.
_NOT_IN_CHARGE = REDIRECTED | {'UNBLOCKED'}

#: Seconds between two tries to reach a server, first and last.
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 2.0


def unavailable(name, error, sent):
    """Return a LayerUnavailable for `error`; `sent` as in plans."""
    if isinstance(error, LayerUnavailable):
        # Somebody has said it already.
        text = '%s' % error
    elif getattr(error, 'code', None) == 'WRONGTYPE':
        text = 'Redis at %s has a key of another type than ours, so something else writes below the prefix: %s' % (
            name, error)
    elif getattr(error, 'code', None) in _NOT_IN_CHARGE:
        text = 'Redis at %s is not in charge now: %s' % (name, error)
    else:
        reason = 'timed out' if is_timeout(error) else '%s' % error or type(error).__name__
        text = "Redis at %s can't be reached: %s" % (name, reason)
    failure = LayerUnavailable(text)
    failure.sent = sent
    failure.__cause__ = error
    return failure


class Outage(object):
    """
    The times when the server called `name` can't be reached, or refuses.

    `logger` gets one line at its begin and one at its end, whichever thread
    notices.
    """

    def __init__(self, name, logger):
        self._name = name
        self._logger = logger
        self._backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
        #: Why the server can't be reached; None if it can, or wasn't tried.
        self.failure = None

    def record_failure(self, error):
        """Return the seconds to wait before the next try, after `error`."""
        if self.failure is None:
            # redis-py ends some of its messages with a full stop.
            self._logger.error('%s; trying until it can be used.', ('%s' % error).rstrip('.'))
        self.failure = error
        return self._backoff.next_pause()

    def record_recovery(self):
        """Note that the server answers as it should."""
        if self.failure is not None:
            self._logger.warning('Redis at %s can be reached again.', self._name)
            self.failure = None
            self._backoff.reset()

"""
Messages that a process had received, and not recorded, when it was killed.
"""
from __future__ import absolute_import


class RescueMixin(object):
    """The part of BaseChannelLayer by which another process finds it; it does nothing here."""

    def leave_received(self, sockets):
        """
        Share, by `sockets`, a SharedSockets, what this process waits on.

        What it receives stays in there until the thread that received it
        calls settle_received().
        """

    def settle_received(self):
        """Say that what the calling thread has received is recorded."""

    def rescue_received(self, pid, sockets, channels):
        """
        Put back what is left in `sockets` of a process, `pid`, that has ended.

        It waited for `channels`. Return how many messages that were.
        """
        return 0

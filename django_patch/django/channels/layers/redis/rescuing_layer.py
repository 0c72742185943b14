"""
Messages that a killed process had received and not recorded, put back.
"""
from __future__ import absolute_import, unicode_literals

from ...compat.clock import monotonic
from ..rescue import RescueMixin
from .outage import COMMAND_TIMEOUT


class RedisRescueMixin(RescueMixin):
    """The part of RedisChannelLayer that finds what another process has left in its sockets."""

    def leave_received(self, sockets):
        for pool in self._pools:
            pool.own.sockets = sockets
        # What is put back refers to them.
        self._transport.hold_pieces()

    def settle_received(self):
        for pool in self._pools:
            pool.own.settle()
        self._transport.settle_pieces()

    def rescue_received(self, pid, sockets, channels):
        # What a watcher needs when its worker was killed.
        from .left_behind import replies_in
        reader, number = self._reader(channels), 0
        # What still waits there is answered, so that nothing comes later.
        self._blocking.end_waiting_of(pid, reader, len(sockets))
        # Servers that are silent are that for all sockets.
        until = monotonic() + COMMAND_TIMEOUT
        for each in sockets:
            for reply in replies_in(each, max(0, until - monotonic())):
                number += self._run(reader.put_back(reply))
        return number

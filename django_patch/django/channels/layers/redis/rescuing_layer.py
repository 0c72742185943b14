"""
Messages that a killed process had received and not recorded, put back.
"""
from __future__ import absolute_import, unicode_literals

from ..rescue import RescueMixin


class RedisRescueMixin(RescueMixin):
    """The part of RedisChannelLayer that finds what another process has left in its sockets."""

    def leave_received(self, sockets):
        for pool in self._pools:
            pool.own.sockets = sockets

    def settle_received(self):
        for pool in self._pools:
            pool.own.settle()

    def rescue_received(self, pid, sockets, channels):
        # What a watcher needs when its worker was killed.
        from .left_behind import replies_in
        reader, number = self._reader(channels), 0
        # What still waits there is answered, so that nothing comes later.
        self._blocking.end_waiting_of(pid, reader, len(sockets))
        for each in sockets:
            for reply in replies_in(each):
                number += self._run(reader.put_back(reply))
        return number

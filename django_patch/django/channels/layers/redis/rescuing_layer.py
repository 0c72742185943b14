"""
Messages that a killed process had received and not recorded, put back.
"""
from __future__ import absolute_import, unicode_literals

import socket

from ..rescue import RescueMixin
from ..transport.resp import INCOMPLETE, ProtocolError, make_parser

#: Seconds that a server may take to end a connection.
_PATIENCE = 2.0
_CHUNK = 1 << 16


class RedisRescueMixin(RescueMixin):
    """The part of RedisChannelLayer that finds what another process has left in its sockets."""

    def leave_received(self, sockets):
        for pool in self._pools:
            pool.own.sockets = sockets

    def settle_received(self):
        for pool in self._pools:
            pool.own.settle()

    def rescue_received(self, pid, sockets, channels):
        reader, number = self._reader(channels), 0
        # What still waits there is answered, so that nothing comes later.
        self._blocking.end_waiting_of(pid, reader, len(sockets))
        for each in sockets:
            for reply in _replies(each):
                number += self._run(reader.put_back(reply))
        return number


def _replies(left):
    """Return the replies in a socket, a list, and close it."""
    parser, replies = make_parser(), []
    try:
        left.shutdown(socket.SHUT_WR)
        left.settimeout(_PATIENCE)
        data = left.recv(_CHUNK)
        while data:
            parser.feed(data)
            data = left.recv(_CHUNK)
    except EnvironmentError:
        # It has been cut; what came before is here.
        pass
    finally:
        left.close()
    try:
        reply = parser.next()
        while reply is not INCOMPLETE:
            replies.append(reply)
            reply = parser.next()
    except ProtocolError:
        pass
    return replies

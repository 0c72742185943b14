"""
Descriptors that go from one process to another, over a Unix socket.

Delete the Python 2 half when Python 2.7 support ends.
"""
from __future__ import absolute_import

import array
import socket

__all__ = ['receive_descriptor', 'send_descriptor']

_SIZE = array.array('i').itemsize

if hasattr(socket.socket, 'sendmsg'):
    def send_descriptor(line, descriptor):
        """Give `descriptor` to who reads from the other end of the socket `line`; raise EnvironmentError."""
        line.sendmsg([b'\0'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [descriptor]))])

    def receive_descriptor(line):
        """Return the next descriptor that came over the socket `line`, or None if that has ended."""
        received = array.array('i')
        for level, kind, content in line.recvmsg(1, socket.CMSG_LEN(_SIZE))[1]:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received.frombytes(content[:_SIZE])
        return received[0] if received else None
else:
    try:
        from _multiprocessing import recvfd as _receive, sendfd as _send
    except ImportError:
        # A system without Unix sockets, where nobody forks either.
        _receive = _send = None

    def send_descriptor(line, descriptor):
        """As above."""
        _send(line.fileno(), descriptor)

    def receive_descriptor(line):
        """As above."""
        try:
            return _receive(line.fileno())
        except RuntimeError:
            # What came has none with it.
            return None

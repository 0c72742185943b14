"""
Replies that a killed process has left in the sockets of its connections.
"""
from __future__ import absolute_import, unicode_literals

import socket

from ..transport.resp import INCOMPLETE, ProtocolError, make_parser

#: Seconds that a server may take to end a connection.
_PATIENCE = 2.0
_CHUNK = 1 << 16


def replies_in(left, patience):
    """Return the replies in a socket, a list, and close it; what comes is waited for, `patience` seconds at most."""
    parser, replies = make_parser(), []
    try:
        left.shutdown(socket.SHUT_WR)
        left.settimeout(min(_PATIENCE, patience))
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

"""
Connections that threads wait on while another process holds their sockets.
"""
from __future__ import absolute_import

import threading

from .connection import failures


class _Own(threading.local):
    connection = None


class OwnConnections(object):
    """Those of one shard: each thread's own, which nothing else is said on."""

    def __init__(self):
        #: The SharedSockets by which they are shared; None: there are none.
        self.sockets = None
        self._local = _Own()

    def take(self, connect):
        """Return that of the calling thread, which keep() puts back, or a new one, made by `connect()`."""
        local = self._local
        connection, local.connection = local.connection, None
        if connection is not None:
            try:
                connection.settle()
                if not connection.is_stale():
                    return connection
            except failures():
                # Then it can't be used either.
                pass
            connection.close()
        connection = connect()
        connection.share(self.sockets)
        return connection

    def keep(self, connection):
        """Keep `connection` for the calling thread."""
        self._local.connection = connection

    def settle(self):
        """Take what the calling thread has received last out of its socket."""
        connection = self._local.connection
        if connection is not None:
            try:
                connection.settle()
            except failures():
                # It has been cut, which is seen at its next use.
                pass

"""
Communication with systemd, of type "notify": readiness and watchdog.

The protocol is that of sd_notify(3).
"""
from __future__ import absolute_import

import os
import shutil
import socket
import sys
import tempfile

from ..names import random_token

__all__ = ['Notices', 'notify', 'watchdog_interval']


class Notices(object):
    """
    What programs tell who has started them, as they would tell systemd.

    `address` is for their NOTIFY_SOCKET; something has come once `socket` can
    be read.
    """

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self._folder = None
        try:
            # Nobody else may tell anything there.
            self._folder = tempfile.mkdtemp(prefix='channels-')
            self.address = os.path.join(self._folder, 'notify')
            self.socket.bind(self.address)
        except EnvironmentError:
            if not sys.platform.startswith('linux'):
                raise
            # There is no file system to write to, as in some containers, or
            # the path is longer than those of sockets may be.
            self.address = '@channels-' + random_token()
            self.socket.bind('\0' + self.address[1:])

    def close(self):
        """Hear nothing more."""
        self.socket.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def notify(state):
    """Tell the service manager of a `state`, such as "READY=1", if it asked for that."""
    address = os.environ.get('NOTIFY_SOCKET')
    if not address:
        return
    if address.startswith('@'):
        address = '\0' + address[1:]
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        channel.sendto(state.encode('utf-8'), address)
    except EnvironmentError:
        # It went; there is nobody else to tell.
        return
    finally:
        channel.close()


def watchdog_interval():
    """Return the seconds within which the service manager wants a sign of life, or None."""
    microseconds = os.environ.get('WATCHDOG_USEC', '')
    if not microseconds.isdigit() or os.environ.get('WATCHDOG_PID', str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1e6

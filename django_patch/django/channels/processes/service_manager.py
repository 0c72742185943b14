"""
Communication with systemd, of type "notify": readiness and watchdog.

The protocol is that of sd_notify(3).
"""
from __future__ import absolute_import

import os
import socket

__all__ = ['notify', 'watchdog_interval']


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

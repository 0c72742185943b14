"""
Timeouts of sockets that the system keeps.

Python keeps one by asking, before each call, whether the socket is ready: two
calls of the system for each that does something.
"""
from __future__ import absolute_import

import errno
import socket
import struct
import sys

# Both are long, except on a system of 32 bits whose programs know times of 64:
# there the option has another number, and other values.
_TIMEVAL, _LARGE_TIMEVAL = struct.Struct('ll'), struct.Struct('=qq')
_OPTIONS = (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO) if sys.platform.startswith('linux') else ()


def waits_in_system(plain):
    """Return whether who reads from or writes to the socket `plain` waits in the system, whatever call that is."""
    # TLS reads and writes in turn, and libraries that replace sockets wait
    # elsewhere, and not with all calls.
    return not hasattr(plain, 'pending') and type(plain).__module__ == socket.__name__


def set_timeout(plain, seconds):
    """Have what is read from and written to the socket `plain` fail after `seconds`."""
    if not _OPTIONS or not waits_in_system(plain):
        plain.settimeout(seconds)
        return
    whole = int(seconds)
    # 0 would be for ever.
    value = _timeval(plain).pack(whole, max(1, int((seconds - whole) * 1000000)))
    if plain.gettimeout() is not None:
        plain.settimeout(None)
    for option in _OPTIONS:
        plain.setsockopt(socket.SOL_SOCKET, option, value)


def _timeval(plain):
    most = _LARGE_TIMEVAL.size
    is_larger = _TIMEVAL.size < most == len(plain.getsockopt(socket.SOL_SOCKET, _OPTIONS[0], most))
    return _LARGE_TIMEVAL if is_larger else _TIMEVAL


def is_timeout(error):
    """Return whether `error` is that of a socket whose timeout is over."""
    return isinstance(error, EnvironmentError) and error.errno == errno.EAGAIN

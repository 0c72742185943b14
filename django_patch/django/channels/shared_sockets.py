"""
Sockets of a worker that its watcher holds as well.

What a server has sent to a worker that is killed before it has read it, or
before it has recorded what it read, is known to nobody else: it lies in a
socket. So a worker leaves it there until it is recorded, and the socket
outlives it in another process, which looks what is in there.
"""
from __future__ import absolute_import

import collections
import errno
import fcntl
import mmap
import os
import socket
import threading

from .compat.descriptors import receive_descriptor, send_descriptor

__all__ = ['SharedSockets']

#: How many are held at once: the latest.
_HELD = 256


class SharedSockets(object):
    """
    The sockets that one process shares with one that it forks.

    Make it before the fork. Then the one calls begin(), add(), hide() and
    show(), in any thread, and the other take_in() and sockets().
    """

    def __init__(self):
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
            fcntl.fcntl(end.fileno(), fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        # A byte for each: whether it is hidden.
        self._hidden = mmap.mmap(-1, _HELD)
        self._process = None
        # They are numbered in both processes, in their order.
        self._next = 0
        self._lock = threading.Lock()
        self._held = collections.OrderedDict()
        #: Whether no more will come.
        self.is_over = False

    # In the process that shares

    def begin(self):
        """Say that this process is the one that shares."""
        self._reader.close()
        self._process = os.getpid()

    def add(self, shared):
        """Share the socket `shared`; return its number, or None if it can't be."""
        if os.getpid() != self._process:
            return None
        with self._lock:
            self.show(self._next)
            try:
                send_descriptor(self._writer, shared.fileno())
            except EnvironmentError:
                return None
            number, self._next = self._next, (self._next + 1) % _HELD
            return number

    def hide(self, number):
        """Say that what is in the socket `number` begins in the middle of something, until show()."""
        self._hidden[number:number + 1] = b'\1'

    def show(self, number):
        """Say that what is in the socket `number` begins at the beginning of something."""
        self._hidden[number:number + 1] = b'\0'

    # In the other

    def fileno(self):
        """Return the descriptor that is readable when there is something to take in."""
        return self._reader.fileno()

    def take_in(self):
        """Hold what was shared since the last time."""
        self._writer.close()
        while True:
            try:
                descriptor = receive_descriptor(self._reader)
            except EnvironmentError:
                # There is no other yet.
                return
            if descriptor is None:
                self.is_over = True
                return
            for number, held in list(self._held.items()):
                if number == self._next or _is_over(held):
                    self._held.pop(number).close()
            self._held[self._next] = _hold(descriptor)
            self._next = (self._next + 1) % _HELD

    def sockets(self):
        """Return what is held and not hidden, the oldest first."""
        return [held for number, held in self._held.items() if self._hidden[number:number + 1] == b'\0']


def _hold(descriptor):
    """Return a socket in place of `descriptor`, of whatever family it is."""
    # A default that a project has set would be that of the other process as
    # well, which waits in the system, and would not wait any more.
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(None)
    try:
        return socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
    finally:
        socket.setdefaulttimeout(timeout)
        os.close(descriptor)


def _is_over(held):
    """Return whether a socket is closed, and empty."""
    try:
        # A setting of the socket would be the other process' as well.
        return not held.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except EnvironmentError as error:
        return error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK)

"""
Connections of the synchronous driver.

`direct`, or redis-py, connects: addresses, TLS, authentication. From then on
bytes go straight through the socket, which costs a fraction of redis-py's
commands.
"""
from __future__ import absolute_import, unicode_literals

import os
import select
import socket
import weakref

from ...compat.buffers import SOCKETS_TAKE_SEVERAL
from ...compat.clock import monotonic
from ...compat.forks import call_in_forked
from ...compat.interrupts import was_interrupted
from ...compat.text import joined
from ..transport.resp import (
    FOR_STRINGS, INCOMPLETE, ProtocolError, ReplyError, buffers_of, make_parser, unfinished_string,
)
from ..viewing import LargeQuestion
from .direct import NotConnected
from .library import redis
from .long_strings import read_rest
from .timeouts import set_timeout, waits_in_system

#: Seconds that a connection may lie idle and still be trusted to be open.
_TRUSTED = 0.0005
#: Bytes that are read at once, usually, then, and at most. From 128 kB on the
#: memory for them comes from the system each time.
_CHUNK, _NEXT_CHUNK, _LARGEST_CHUNK = 1 << 16, 120 << 10, 1 << 20
#: Bytes of a read from which on it may be the start of a long string.
_START = 4096
#: Buffers that one call of the system takes, everywhere.
_MOST_BUFFERS = 16

#: The connections of this process.
_connections = weakref.WeakSet()


def _leave_to_parent():
    """
    Close all connections, in a process that was just forked.

    Otherwise they would stay open for as long as it runs: once its parent is
    dead, Redis would give the next message to who waits there no more.
    """
    for connection in list(_connections):
        connection.leave()


call_in_forked(_leave_to_parent)


def failures():
    """Return what goes wrong with a socket, also while it is connected, for an `except`."""
    known = (NotConnected, socket.error, socket.timeout, EOFError, ProtocolError)
    # A function, since redis-py is loaded when a server needs it.
    return known + (redis.RedisError,) if redis.is_loaded else known


def readable(connections, timeout):
    """Return those of `connections` that have something, after `timeout` s at most."""
    for connection in connections:
        # What was read and left there is nothing new.
        connection.settle()
    ready = [connection for connection in connections if connection.has_buffered()]
    if ready:
        return ready
    try:
        if hasattr(select, 'poll'):
            poll = select.poll()
            by_number = {}
            for connection in connections:
                number = connection.fileno()
                by_number[number] = connection
                poll.register(number, select.POLLIN)
            return [by_number[number] for number, event in poll.poll(int(timeout * 1000) + (timeout > 0))]
        return select.select(connections, [], [], timeout)[0]
    except (select.error, OSError) as error:
        if was_interrupted(error):
            return []
        raise


class Connection(object):
    """One connection: commands out, replies in."""

    def __init__(self, connection, address=None):
        self._connection = connection
        #: The URL that it was made to.
        self.address = address
        #: Whether it leads to a server that isn't the right one any more.
        self.is_over = False
        self._socket = connection._sock
        # A TLS socket may hold bytes that the system doesn't know of.
        self._is_tls = hasattr(self._socket, 'pending')
        self._poll = None
        if hasattr(select, 'poll'):
            self._poll = select.poll()
            self._poll.register(self._socket.fileno(), select.POLLIN)
        self._parser = make_parser()
        self.was_written = False
        # Whether what is read next may be returned in parts.
        self._is_parted = self._is_string = False
        self._takes_several = SOCKETS_TAKE_SEVERAL and waits_in_system(self._socket)
        self._timeout = None
        self._chunk = _CHUNK
        self.used = monotonic()
        # Replies that were read of those that are expected.
        self._replies = []
        # The SharedSockets, its number there, and whether it is hidden; how
        # much of what was read is still in the socket.
        self.shared, self._number, self._is_hidden, self._left = None, None, False, 0
        _connections.add(self)

    def fileno(self):
        return self._socket.fileno()

    def has_buffered(self):
        """Return whether TLS holds bytes that the socket doesn't show."""
        return self._is_tls and self._socket.pending() > 0

    def is_stale(self):
        """Return whether the server has closed it while it was idle, or is to be left."""
        if self.is_over:
            return True
        if monotonic() - self.used <= _TRUSTED:
            return False
        if self._is_tls or self._poll is None:
            return bool(readable([self], 0))
        # As readable() does it, without building an object for one socket.
        return bool(self._poll.poll(0))

    def close(self):
        self._connection.disconnect()

    def leave(self):
        """Close it, in a process that was forked; the server and the parent notice nothing."""
        self._socket.close()

    def shut_down(self):
        """Have whatever another thread waits for on it fail."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except socket.error:
            # It has been cut.
            pass

    def share(self, sockets):
        """Share it by `sockets`, SharedSockets; what is read stays in the socket until settle()."""
        # What is in there of TLS is of no use to anybody else.
        number = None if self._is_tls else sockets.add(self._socket)
        if number is not None:
            self.shared, self._number = sockets, number

    def settle(self):
        """Take out of the socket what was read and left there."""
        left = self._left
        if not left:
            return
        if self._parser.has_data():
            # Half of a reply is nothing that others could read.
            self._is_hidden = True
            self.shared.hide(self._number)
        self._left = 0
        try:
            while left:
                # Without a look whether there is something, as recv() has it.
                taken = len(os.read(self._socket.fileno(), left))
                if not taken:
                    raise EOFError('The server closed the connection.')
                left -= taken
        except OSError as error:
            # Python 2: that isn't the error of a socket.
            raise socket.error(*error.args)
        if self._is_hidden and not self._parser.has_data():
            self._is_hidden = False
            self.shared.show(self._number)

    def _look(self):
        """As the socket's recv(), but leave it there."""
        if self._left:
            self.settle()
        data = self._socket.recv(self._chunk, socket.MSG_PEEK)
        self._left = len(data)
        return data

    def set_timeout(self, timeout):
        """Wait `timeout` seconds for the server from now on."""
        if timeout != self._timeout:
            set_timeout(self._socket, timeout)
            self._timeout = timeout

    def exchange(self, commands, timeout):
        """Send packed commands, and return their replies; raise one of failures()."""
        if timeout != self._timeout:
            self.set_timeout(timeout)
        self.write(commands)
        while not self.read_some(len(commands)):
            pass
        return self.take()

    def write(self, commands):
        """Send packed commands; afterwards, `was_written` says whether all were sent."""
        self.was_written = False
        self._is_parted = type(commands[0]) is LargeQuestion and self._takes_several
        # A parser doesn't tell whether an array has begun.
        self._is_string = commands[0].startswith(FOR_STRINGS, 4)
        if self._left:
            self.settle()
        try:
            self._socket.sendall(commands[0] if len(commands) == 1 else b''.join(commands))
        except TypeError:
            # One of them is a LargeCommand, which stays where it is.
            self._write_buffers(buffers_of(commands))
        self.was_written = True

    def _write_buffers(self, buffers):
        if not self._takes_several:
            self._socket.sendall(joined(buffers))
            return
        while buffers:
            sent = self._socket.sendmsg(buffers[:_MOST_BUFFERS])
            while buffers and sent >= len(buffers[0]):
                sent -= len(buffers.pop(0))
            if sent:
                buffers[0] = memoryview(buffers[0])[sent:]

    def read(self, count):
        """Return `count` replies, waiting for them."""
        while not self.read_some(count):
            pass
        return self.take()

    def read_some(self, count):
        """
        Read once, if need be, and return whether `count` replies are there.
        """
        replies, parser = self._replies, self._parser
        while len(replies) < count:
            reply = parser.next()
            if reply is INCOMPLETE:
                break
            replies.append(reply)
        else:
            return True
        try:
            data = self._socket.recv(self._chunk) if self.shared is None else self._look()
        except socket.error as error:
            if was_interrupted(error):
                return False
            raise
        if not data:
            raise EOFError('The server closed the connection.')
        if len(data) >= _START and self._is_string and not (replies or self.shared or parser.has_data()):
            unfinished = unfinished_string(data)
            if unfinished is not None:
                replies.append(read_rest(self._socket, self._is_parted, *unfinished))
                return len(replies) >= count
        # A large message comes in fewer, larger parts.
        if len(data) < self._chunk:
            self._chunk = _CHUNK
        else:
            self._chunk = _NEXT_CHUNK if self._chunk == _CHUNK else min(self._chunk * 4, _LARGEST_CHUNK)
        parser.feed(data)
        while len(replies) < count:
            reply = parser.next()
            if reply is INCOMPLETE:
                return False
            replies.append(reply)
        return True

    def peek(self, count):
        """Return the first `count` replies, waiting for them; they are read again."""
        while not self.read_some(count):
            pass
        return self._replies[:count]

    def refusal(self):
        """Return the error with which the server has closed a new connection, or None."""
        try:
            if readable([self], 0):
                self.read_some(1)
                return self._replies[0] if type(self._replies[0]) is ReplyError else None
        except failures() + (IndexError,):
            # It has closed it without a word.
            pass
        return None

    def take(self):
        """Return the replies that were read."""
        replies, self._replies = self._replies, []
        self.used = monotonic()
        return replies

"""
A pool of connections for each shard, and what to do when one is cut.
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging
import weakref

from ...compat.clock import monotonic
from ...compat.forks import getpid
from ...exceptions import LayerUnavailable
from ..transport import scripts
from ..transport.resp import ReplyError, is_wrong_type
from .connection import Connection, failures
from .masters import MasterWatch
from .outage import COMMAND_TIMEOUT, LEAVE_TIMEOUT, REDIRECTED, RETRY_LATER, Outage, unavailable
from .own_connections import OwnConnections

logger = logging.getLogger(__name__)

#: Idle connections that are kept for each shard.
_KEPT_CONNECTIONS = 32


class ConnectionPool(object):
    """The connections to one shard, for all threads of this process."""

    def __init__(self, number, server, transport):
        self.number = number
        self.server = server
        self._transport = transport
        self._process = getpid()
        self._idle = collections.deque()
        self.outage = Outage(server.name, logger)
        #: Where the last connection led to.
        self.address = None
        #: When readers may try again to reach a server that is away.
        self.next_try = 0.0
        #: Called with the number and a connection when the server is left:
        #: has it end what waits there, over this connection.
        self.end_waiting = None
        self._watch = MasterWatch(server, self) if server.needs_watching else None
        self._opened = weakref.WeakSet()
        #: What waits for messages has of its own.
        self.own = OwnConnections()

    def exchange(self, commands, follow=True, timeout=COMMAND_TIMEOUT):
        """
        Send `commands`, and return their replies; raise LayerUnavailable.

        With `follow`, repeat once what the server says is done elsewhere now.
        """
        connection = self.borrow(timeout)
        try:
            replies = connection.exchange(commands, timeout) if commands else []
            if ReplyError not in map(type, replies):
                # As release(), without a call.
                if len(self._idle) < _KEPT_CONNECTIONS:
                    self._idle.append(connection)
                else:
                    connection.close()
                return replies
            replies = self.finish(connection, commands, replies)
        except failures() as error:
            raise self.failure(connection, commands, error)
        wrong = scripts.to_repeat(commands, replies, REDIRECTED)
        if wrong and follow:
            # finish() has closed the connections; the next leads elsewhere.
            again = self.exchange([commands[index] for index in wrong], False, timeout)
            for index, reply in zip(wrong, again):
                replies[index] = reply
        return replies

    def exchange_blocking(self, commands, timeout, first=0, look=None):
        """
        Send `commands`, the last of which blocks for up to `timeout` seconds.

        Return their replies, or a LayerUnavailable, which is noted for
        readers. Raise LayerUnavailable if there is no connection. Call
        `look` with the `first` replies as soon as they are there.
        """
        connection = self.borrow_to_wait()
        try:
            if first:
                connection.set_timeout(timeout + COMMAND_TIMEOUT)
                connection.write(commands)
                look(connection.peek(first))
                replies = self.finish(connection, commands, connection.read(len(commands)))
            else:
                replies = self.finish(connection, commands, connection.exchange(commands, timeout + COMMAND_TIMEOUT))
        except failures() as error:
            failure = self.failure(connection, commands, error)
            self.failed(failure)
            return failure
        if self.outage.failure is None and type(replies[-1]) is not ReplyError:
            return replies
        return self.outcome(replies)

    def borrow(self, timeout=COMMAND_TIMEOUT):
        """Return a connection that nobody uses; raise LayerUnavailable."""
        if getpid() != self._process:
            # A forked child would read its parent's replies.
            self._process = getpid()
            self._idle = collections.deque()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect(timeout)
            try:
                if not connection.is_stale():
                    return connection
            except failures():
                # Then it can't be used either.
                pass
            connection.close()

    def borrow_to_wait(self):
        """As borrow(), for what waits for messages."""
        return self.borrow() if self.own.sockets is None else self.own.take(self._connect)

    def release(self, connection):
        """Keep `connection` for the next one who borrows."""
        if connection.shared is not None:
            self.own.keep(connection)
        elif len(self._idle) < _KEPT_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()

    def _connect(self, timeout=COMMAND_TIMEOUT):
        try:
            address = self.address = self.server.locate()
            connection = Connection(self.server.connect(address, timeout), address)
        except failures() as error:
            raise unavailable(self.server.name, error, False)
        if self._watch is not None:
            self._opened.add(connection)
            self._watch.start()
        try:
            asked = self._transport.monotonic()
            greeting = self._transport.greeting(self.number)
            replies = connection.exchange(greeting, timeout)
            commands = self._transport.greeted(self.number, replies, asked)
            if commands:
                connection.exchange(commands, timeout)
        except failures() + (LayerUnavailable,) as error:
            error = connection.refusal() or error
            connection.close()
            raise unavailable(self.server.name, error, False)
        self._worked()
        return connection

    def write(self, connection, commands):
        """Send `commands` over `connection`."""
        try:
            connection.write(commands)
        except failures() as error:
            raise self.failure(connection, commands, error)

    def failure(self, connection, commands, error):
        """Close `connection`, which failed in an exchange of `commands`; return a LayerUnavailable."""
        if connection.was_written:
            return self.broken(connection, error)
        connection.close()
        # One command that was not sent whole is not executed.
        return unavailable(self.server.name, error, len(commands) > 1)

    def finish(self, connection, commands, replies):
        """Repeat what failed for want of a script, release `connection`, and return `replies`."""
        if ReplyError not in map(type, replies):
            self.release(connection)
            return replies
        missing = scripts.to_repeat(commands, replies)
        if missing:
            connection.write(scripts.with_texts([commands[index] for index in missing]))
            again = connection.read(len(scripts.LOAD) + len(missing))
            for index, reply in zip(missing, again[len(scripts.LOAD):]):
                replies[index] = reply
        codes = {reply.code for reply in replies if type(reply) is ReplyError}
        if codes & (REDIRECTED | RETRY_LATER):
            self.close_all(connection)
        else:
            self.release(connection)
        return replies

    def broken(self, connection, error):
        """Close `connection` and all idle ones, and return a LayerUnavailable."""
        self.close_all(connection)
        return unavailable(self.server.name, error, True)

    def close_all(self, connection):
        """Close `connection`, and all that are idle, since they lead to the same."""
        connection.close()
        self.close()

    def outcome(self, replies):
        """Return `replies` to a Block, or LayerUnavailable for an error."""
        reply = replies[-1]
        if type(reply) is ReplyError and not is_wrong_type(reply):
            error = unavailable(self.server.name, reply, True)
            self.failed(error)
            return error
        if self.outage.failure is not None:
            self._worked()
        return replies

    def is_there(self):
        """Return whether it can be reached. During an outage, try only when the next try is due."""
        if self.outage.failure is None:
            return True
        if self.next_try > monotonic():
            return False
        try:
            self.exchange(())
        except LayerUnavailable as error:
            self.failed(error)
        return self.outage.failure is None

    def failed(self, error):
        """Note that a reader can't reach it."""
        self.next_try = monotonic() + self.outage.record_failure(error)

    def _worked(self):
        self.outage.record_recovery()
        self.next_try = 0.0

    def leave_all_but(self, address):
        """Use no connection any more that leads elsewhere; what is under way on them comes to its end."""
        try:
            left = [connection for connection in self._opened if connection.address != address]
        except RuntimeError:
            # One was opened in this moment; there is another look.
            return
        left = [connection for connection in left if not connection.is_over]
        if not left:
            return
        logger.warning('The master of %s is another server now: %s.', self.server.name, address)
        for connection in left:
            connection.is_over = True
        try:
            connection = Connection(self.server.connect(left[0].address, LEAVE_TIMEOUT))
            self.end_waiting(self.number, connection)
            connection.close()
        except failures():
            # It is away, or frozen: nothing comes from there any more.
            for connection in left:
                connection.shut_down()

    def stop(self):
        """Close what is idle, and ask nobody any more."""
        if self._watch is not None:
            self._watch.stop()
        self.close()

    def close(self):
        """Close what is idle."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                # Another thread was faster.
                break


def exchange_all(pools, requests):
    """
    Carry out several (shard's number, commands) at once.

    Return a list that has for each its replies, or a LayerUnavailable.
    """
    if len(requests) == 1:
        number, commands = requests[0]
        try:
            return [pools[number].exchange(commands)]
        except LayerUnavailable as error:
            return [error]
    connections = []
    for number, commands in requests:
        try:
            connection = pools[number].borrow()
            connection.set_timeout(COMMAND_TIMEOUT)
            pools[number].write(connection, commands)
            connections.append(connection)
        except LayerUnavailable as error:
            connections.append(error)
    answers, deadline, is_late = [], monotonic() + COMMAND_TIMEOUT, False
    for connection, (number, commands) in zip(connections, requests):
        answer = connection
        if isinstance(connection, Connection):
            try:
                if is_late:
                    # However many of them hang, they all have the same time.
                    connection.set_timeout(max(0.01, deadline - monotonic()))
                answer = pools[number].finish(connection, commands, connection.read(len(commands)))
            except failures() as error:
                answer, is_late = pools[number].broken(connection, error), True
        answers.append(answer)
    return answers

"""
A pool of connections for each shard, and what to do when one is cut.
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging
import os

from ...compat.clock import monotonic
from ...exceptions import LayerUnavailable
from ..transport import scripts
from ..transport.resp import ReplyError
from .connection import FAILURES, Link
from .outage import COMMAND_TIMEOUT, ELSEWHERE, UNREADY, Outage, unavailable

logger = logging.getLogger(__name__)

#: Idle connections that are kept for each shard.
_KEPT_LINKS = 32


class Shard(object):
    """The connections to one shard, for all threads of this process."""

    def __init__(self, number, server, transport):
        self.number = number
        self._server = server
        self._transport = transport
        self._process = os.getpid()
        self._idle = collections.deque()
        self.outage = Outage(server.name, logger)
        #: When readers may try again to reach a server that is away.
        self.next_try = 0.0

    def exchange(self, commands):
        """Send `commands`, and return their replies; raise LayerUnavailable."""
        link = self.borrow()
        if not commands:
            self.give_back(link)
            return []
        replies = self._say(link, commands)
        wrong = [
            index for index, reply in enumerate(replies) if type(reply) is ReplyError and reply.code in ELSEWHERE
        ]
        if wrong:
            # finish() has closed the connections; the next leads elsewhere.
            again = self._say(self.borrow(), [commands[index] for index in wrong])
            for index, reply in zip(wrong, again):
                replies[index] = reply
        return replies

    def _say(self, link, commands):
        link.set_timeout(COMMAND_TIMEOUT)
        self.write(link, commands)
        try:
            return self.finish(link, commands, link.read(len(commands)))
        except FAILURES as error:
            raise self.broken(link, error)

    def borrow(self):
        """Return a connection that nobody uses; raise LayerUnavailable."""
        if os.getpid() != self._process:
            # A forked child would read its parent's replies.
            self._process = os.getpid()
            self._idle = collections.deque()
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return self._connect()
            try:
                if not link.is_stale():
                    return link
            except FAILURES:
                # Then it is no use either.
                pass
            link.close()

    def give_back(self, link):
        """Keep `link` for the next one who borrows."""
        if len(self._idle) < _KEPT_LINKS:
            self._idle.append(link)
        else:
            link.close()

    def _connect(self):
        try:
            link = Link(self._server.connect())
        except FAILURES as error:
            raise unavailable(self._server.name, error, False)
        try:
            asked = self._transport.monotonic()
            greeting = self._transport.greeting(self.number)
            link.set_timeout(COMMAND_TIMEOUT)
            link.write(greeting)
            self._transport.greeted(self.number, link.read(len(greeting)), asked)
        except FAILURES + (LayerUnavailable,) as error:
            link.close()
            raise unavailable(self._server.name, error, False)
        self._worked()
        return link

    def write(self, link, commands):
        """Send `commands` over `link`."""
        try:
            link.write(commands)
        except FAILURES as error:
            link.close()
            # One command that was not sent whole is not executed.
            raise unavailable(self._server.name, error, len(commands) > 1)

    def finish(self, link, commands, replies):
        """Mend `replies` if a script was missing, and give `link` back."""
        if ReplyError not in map(type, replies):
            self.give_back(link)
            return replies
        missing = scripts.to_repeat(replies)
        if missing:
            link.write(scripts.LOAD + tuple(commands[index] for index in missing))
            again = link.read(len(scripts.LOAD) + len(missing))
            for index, reply in zip(missing, again[len(scripts.LOAD):]):
                replies[index] = reply
        codes = {reply.code for reply in replies if type(reply) is ReplyError}
        if codes & (ELSEWHERE | UNREADY):
            self.close_all(link)
        else:
            self.give_back(link)
        return replies

    def broken(self, link, error):
        """Close `link` and all idle ones, and return a LayerUnavailable."""
        self.close_all(link)
        return unavailable(self._server.name, error, True)

    def close_all(self, link):
        """Close `link`, and all that are idle, since they lead to the same."""
        link.close()
        self.close()

    def outcome(self, replies):
        """Return `replies` to a Wait, or LayerUnavailable for an error."""
        reply = replies[-1]
        if type(reply) is ReplyError:
            error = unavailable(self._server.name, reply, True)
            self.failed(error)
            return error
        if self.outage.failure is not None:
            self._worked()
        return replies

    def failed(self, error):
        """Note that a reader can't reach it."""
        self.next_try = monotonic() + self.outage.noticed(error)

    def _worked(self):
        self.outage.ended()
        self.next_try = 0.0

    def close(self):
        """Close what is idle."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                # Another thread was faster.
                break


def exchange_all(shards, requests):
    """
    Carry out several (shard's number, commands) at once.

    Return a list that has for each its replies, or a LayerUnavailable.
    """
    if len(requests) == 1:
        number, commands = requests[0]
        try:
            return [shards[number].exchange(commands)]
        except LayerUnavailable as error:
            return [error]
    links = []
    for number, commands in requests:
        try:
            link = shards[number].borrow()
            link.set_timeout(COMMAND_TIMEOUT)
            shards[number].write(link, commands)
            links.append(link)
        except LayerUnavailable as error:
            links.append(error)
    answers = []
    for link, (number, commands) in zip(links, requests):
        answer = link
        if isinstance(link, Link):
            try:
                answer = shards[number].finish(link, commands, link.read(len(commands)))
            except FAILURES as error:
                answer = shards[number].broken(link, error)
        answers.append(answer)
    return answers

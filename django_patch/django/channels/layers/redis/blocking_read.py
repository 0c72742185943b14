"""
The synchronous driver's wait for messages on any number of shards.

Rules:

1. Register, then look. A thread enters its Block before it asks whether it
   was interrupted, and interrupt() counts before it looks at the Blocks. So
   one of the two sees the other without a lock, which the handler of a signal
   must not wait for.
2. A connection that blocks is never closed to end its waiting: its server may
   have taken a message for it. The server is asked to answer (`Block.wake`,
   over another connection), and the answer is read.
3. Each shard of a Block gets one outcome, and its connection is then back in
   its pool, or closed.
4. When one shard has a message, the others are woken before anything is
   handed out; what they answer with may be messages, too, and none is lost.
5. A shard that is away is tried again at its pool's `next_try`, while the
   others are waited for.
"""
from __future__ import absolute_import, unicode_literals

import itertools
import threading

from ...compat.clock import monotonic
from ...compat.forks import getpid
from ...compat.waker import Waker
from ...exceptions import LayerUnavailable
from .connection import failures, readable
from .outage import COMMAND_TIMEOUT, LEAVE_TIMEOUT
from .pool import exchange_all


class BlockingReader(object):
    """
    Carries out Blocks on `pools`, a list of ConnectionPool, for all threads.

    interrupt() ends those that wait, and the first of each thread that is
    about to; no message is lost by that, since the servers are asked to end
    the waiting, and answer.
    """

    def __init__(self, pools, token):
        self.pools = pools
        self._token = token
        self._local = threading.local()
        self._numbers = itertools.count()
        # Thread's token -> its Block. Changed by single steps of the
        # interpreter, so that a signal's handler may interrupt.
        self._waits = {}
        self._wakers = {}
        self._interrupts = 0

    def begin(self):
        """
        Return (token, was_interrupted) before a thread waits.

        The token tells this thread from all others that wait on the servers.
        It was interrupted if interrupt() was called since it last asked.
        """
        local = self._local
        process = getpid()
        try:
            is_known = local.process == process
        except AttributeError:
            is_known, local.seen = False, 0
        if not is_known:
            local.process = process
            local.token = '%s.%d.%d' % (self._token, process, next(self._numbers))
        seen, local.seen = local.seen, self._interrupts
        return local.token, seen != local.seen

    def was_interrupted(self):
        """Return whether interrupt() was called since this thread asked."""
        return self.begin()[1]

    def interrupt(self):
        """End what waits; see the class."""
        self._interrupts += 1
        for token, wait in list(self._waits.items()):
            waker = self._wakers.pop(token, None)
            if waker is not None:
                waker.wake()
                continue
            for shard, commands in wait.requests:
                try:
                    # One answer ends the waiting at the other shards (rule 4).
                    self.wake(wait, shard)
                    break
                except LayerUnavailable:
                    # The waiting connection fails as well.
                    continue

    def wake(self, wait, shard):
        """Have the server of `shard` end the waiting there."""
        wait.woken.add(shard)
        self.pools[shard].exchange(wait.wake[shard])

    def end_waiting(self, number, connection):
        """Have a server of shard `number` that is to be left answer, over a `connection` to it."""
        for wait in list(self._waits.values()):
            if number in wait.wake:
                # A message that was there is among the answers (rule 2).
                connection.exchange(wait.wake[number], LEAVE_TIMEOUT)

    def end_waiting_of(self, pid, reader, number):
        """
        End what waits in the process `pid`, which was forked from this one.

        It had `number` connections, and its threads waited by `reader`.
        """
        tokens = ['%s.%d.%d' % (self._token, pid, thread) for thread in range(number)]
        for shard, wake in reader.waking(tokens):
            try:
                self.pools[shard].exchange(wake)
            except LayerUnavailable:
                # Its connections have been cut as well.
                pass

    def carry_out(self, wait):
        """
        Return the answer to `wait`: [(shard, replies or LayerUnavailable)].

        The thread has called begin() before.
        """
        local = self._local
        token = local.token
        self._waits[token] = wait
        try:
            # Rule 1; as is_interrupted(), which is asked again only while
            # several shards are waited for.
            if local.seen != self._interrupts:
                error = LayerUnavailable('Interrupted.')
                error.sent = False
                return [(shard, error) for shard, commands in wait.requests]
            number, commands = wait.requests[0]
            # A server that refuses what it is asked says so at once, and at
            # each next time (rule 5).
            if len(wait.requests) == 1 and wait.alarm is None and not self.pools[number].next_try:
                # Without a look at several sockets, which is the usual case.
                try:
                    return [(number, self.pools[number].exchange_blocking(
                        commands, wait.timeout, wait.first, wait.first and self._looking_at(wait, number),
                    ))]
                except LayerUnavailable as error:
                    self.pools[number].failed(error)
            return _MultiShardWait(self, wait, token).run()
        finally:
            del self._waits[token]

    def _looking_at(self, wait, number):
        """Return what looks at the first answers to `wait`; see Block."""
        def look(replies):
            if not wait.is_fine(replies):
                try:
                    self.wake(wait, number)
                except LayerUnavailable:
                    # The waiting connection fails as well, or ends in time.
                    pass
        return look

    def is_interrupted(self):
        """Return whether this thread is to end its waiting."""
        return self._local.seen != self._interrupts

    def pause(self, token, seconds):
        """Sleep, but not through an interrupt()."""
        waker = self._wakers[token] = Waker()
        try:
            if not self.is_interrupted():
                waker.wait(seconds)
        finally:
            self._wakers.pop(token, None)


class _MultiShardWait(object):
    """One Block being carried out on several shards, or on one that is away."""

    def __init__(self, reader, wait, token):
        self._reader = reader
        self._wait = wait
        self._token = token
        self._deadline = monotonic() + wait.timeout
        # When to give up waiting for an answer.
        self._latest = self._deadline + COMMAND_TIMEOUT if wait.alarm is None else monotonic() + wait.alarm
        self._commands = dict(wait.requests)
        # Shard's number -> why its commands were not sent yet.
        self._unsent = dict.fromkeys(self._commands)
        # Shard's number -> the connection they were sent over.
        self._busy = {}
        self._outcomes = {}

    def run(self):
        found = False
        while not found and (self._busy or self._unsent):
            self._begin()
            now = monotonic()
            if self._reader.is_interrupted():
                break
            if self._busy:
                found = self._read(now)
                if monotonic() > self._latest:
                    break
            elif now >= min(self._deadline, self._latest):
                break
            else:
                self._reader.pause(self._token, min(self._deadline, self._latest, self._next_try()) - now)
        self._end()
        return [(number, self._outcomes[number]) for number, commands in self._wait.requests]

    def _shard(self, number):
        return self._reader.pools[number]

    def _next_try(self):
        return min(self._shard(number).next_try for number in self._unsent)

    def _begin(self):
        """Send the commands of shards that they were not sent to."""
        for number in list(self._unsent):
            shard = self._shard(number)
            if shard.next_try > monotonic():
                if self._unsent[number] is None:
                    self._unsent[number] = shard.outage.failure
                continue
            try:
                connection = shard.borrow_to_wait()
                shard.write(connection, self._commands[number])
            except LayerUnavailable as error:
                shard.failed(error)
                self._unsent[number] = error
                if not error.sent:
                    continue
                self._outcomes[number] = error
            else:
                connection.set_timeout(COMMAND_TIMEOUT)
                self._busy[number] = connection
            del self._unsent[number]

    def _read(self, now):
        """Take in what comes; return whether a message is among it."""
        until = self._latest
        if self._unsent:
            until = min(until, self._next_try())
        found = False
        ready = readable(list(self._busy.values()), max(0, until - now))
        for number, connection in list(self._busy.items()):
            if connection in ready and self._take(number, connection, wait=False):
                outcome = self._outcomes[number]
                found = found or not isinstance(outcome, LayerUnavailable) and outcome[-1] is not None
        return found

    def _take(self, number, connection, wait):
        """Read from one shard; return whether it has an outcome by that."""
        shard, commands = self._shard(number), self._commands[number]
        try:
            if wait:
                replies = connection.read(len(commands))
            elif connection.read_some(len(commands)):
                replies = connection.take()
            else:
                return False
            outcome = shard.outcome(shard.finish(connection, commands, replies))
        except failures() as error:
            outcome = shard.broken(connection, error)
            shard.failed(outcome)
        self._outcomes[number] = outcome
        del self._busy[number]
        return True

    def _end(self):
        """Have the shards that still wait answer, too."""
        still = [number for number in self._busy if number not in self._wait.woken]
        self._wait.woken.update(still)
        # Where that fails, the waiting connection tells what is the matter.
        exchange_all(self._reader.pools, [(number, self._wait.wake[number]) for number in still])
        for number, connection in list(self._busy.items()):
            self._take(number, connection, wait=True)
        self._outcomes.update(self._unsent)

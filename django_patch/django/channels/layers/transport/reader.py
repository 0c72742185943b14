"""
Plans that receive.
"""
from __future__ import absolute_import, unicode_literals

import random
import types

from ...exceptions import LayerUnavailable
from ..validation import plain_copy
from . import scripts
from .operations import DONE, Block, Exchange, Result, checked
from .resp import ReplyError, argument, command, pack

#: Messages of a ! queue that are taken at once: its process is the only one.
_PREFETCH = 64
#: Packed commands that are kept.
_KEPT_COMMANDS = 256
#: Milliseconds until a wake-up that nobody saw is gone.
_WAKE_LIFETIME = 2000


class Reader(object):
    """
    Reads from `channels`, a sequence of valid names; ``!`` names end there.

    Threads may share it if none of the names is a ``!`` name. `transport`
    is the Transport that made it.
    """

    def __init__(self, transport, channels):
        self._transport = transport
        self._options = transport.options
        self.channels = channels
        keys = transport.options.keys
        #: Key -> (shard, queue, inbox or None).
        self._queues = {}
        # shard -> the packed keys there.
        self._packed = {}
        self._inboxes = {}
        #: The Inboxes of its ``!`` names.
        self.inboxes = []
        for queue in channels:
            inbox = None
            if queue.endswith('!'):
                inbox = transport.inbox(queue)
                self._inboxes.setdefault(inbox.shard, []).append(inbox)
                self.inboxes.append(inbox)
            for shard in keys.shards_of(queue):
                key = keys.queue(shard, queue)
                self._packed.setdefault(shard, []).append(argument(key))
                self._queues[key.encode('utf-8')] = (shard, queue, inbox)
        self._shards = tuple(sorted(self._packed))
        self._only_own = all(queue.endswith('!') for queue in channels)
        self._commands = {}
        self._wakes = {}
        # Shard, or None for the shards themselves -> who is first next time:
        # they take turns, so that a busy queue can't starve the rest. Not all
        # processes begin with the same.
        self._first = dict.fromkeys(self._shards + (None,), random.randrange(1000))

    def receive(self, limit, timeout=0, token='', one_by_one=False):
        """
        Take messages: at most `limit` deliveries of (channels, message).

        Wait up to `timeout` seconds for the first. `token` names the waiting
        thread or task among all that wait. With `one_by_one`, a delivery has
        one channel; others that it is for get theirs next, before anything
        sent later. The Result is a list.
        """
        return self._receive(limit, timeout, token, one_by_one)

    # Plans

    def _receive(self, limit, timeout, token, one_by_one):
        ready = self._ready(limit, one_by_one) if self.inboxes else []
        if ready or not self._shards:
            yield Result(ready)
        shards = self._shards
        if len(shards) > 1:
            start = self._turn(None, len(shards))
            shards = shards[start:] + shards[:start]
        taken = ()
        if not timeout or len(shards) > 1:
            taken = yield self._look(shards, limit, timeout)
        if timeout and not taken:
            taken = yield self._wait(shards, limit, timeout, token)
        deliveries = []
        while taken and not deliveries:
            for shard, queue, inbox, entries in taken:
                if inbox is None and len(deliveries) >= limit:
                    # Two shards answered at once; others may wait.
                    yield self._requeue(shard, queue, entries)
                    continue
                self._transport.clocks[shard].took(queue, entries)
                for data in entries:
                    delivery = self._transport.decoder.decode(shard, queue, data, inbox)
                    if type(delivery) is types.GeneratorType:
                        delivery = yield delivery
                    if delivery is not None:
                        _hand_out(delivery, inbox, deliveries, limit, one_by_one)
            if not deliveries:
                # All of it was dropped; what is behind it may be good.
                taken = yield self._look(shards, limit, timeout)
        yield Result(deliveries)

    def _look(self, shards, limit, timeout):
        """Ask one shard after the other, and wait for none."""
        failures = []
        for shard in shards:
            try:
                if not self._transport.clocks[shard].is_fresh():
                    yield self._transport.know_time(shard)
                reports = self._reports(shard)
                replies = yield Exchange(shard, reports + (self._command(shard, limit, None, None),))
                if reports:
                    self._check_reports(shard, replies, reports)
                taken = self._parse_pop(checked(replies[-1]))
            except LayerUnavailable as error:
                self._forget_reports(shard)
                failures.append(error)
                continue
            if taken:
                yield Result([taken])
        if len(failures) == len(shards) and not timeout:
            raise failures[0]
        yield Result(())

    def _wait(self, shards, limit, timeout, token):
        """Have all shards tell when there is something."""
        requests, wake, reported = [], {}, {}
        for shard in shards:
            try:
                if not self._transport.clocks[shard].is_fresh():
                    yield self._transport.know_time(shard)
            except LayerUnavailable:
                # Then the waiting is for the server to come back, too.
                pass
            key, wake[shard] = self._wakes.get((shard, token)) or self._wake(shard, token)
            asks = self._command(shard, limit, timeout, key)
            reported[shard] = self._reports(shard)
            requests.append((shard, reported[shard] + (asks,)))
        wait = Block(requests, timeout, wake)
        found = []
        for shard, outcome in (yield wait):
            if isinstance(outcome, LayerUnavailable):
                self._forget_reports(shard)
                continue
            if reported[shard]:
                self._check_reports(shard, outcome, reported[shard])
            reply = outcome[-1]
            taken = self._parse_pop(reply)
            if taken:
                found.append(taken)
            if shard in wait.woken and (taken or reply is None):
                # It woke nobody; it must not wake the next wait.
                try:
                    yield Exchange(shard, (pack('DEL', self._wake(shard, token)[0]),))
                except LayerUnavailable:
                    # It expires; what was taken must not be lost by that.
                    pass
        yield Result(found)

    def _requeue(self, shard, queue, entries):
        key = self._options.keys.queue(shard, queue)
        requeue = scripts.REQUEUE.call([key], [self._options.lifetime] + entries[::-1])
        try:
            checked((yield Exchange(shard, (requeue,)))[0])
        except LayerUnavailable as error:
            # The reader has other messages, which must not be lost, too.
            for _ in entries:
                self._transport.decoder.lost(shard, queue, error)
        yield DONE

    # Commands and replies

    def _command(self, shard, limit, timeout, wake):
        """
        Return the packed command that takes messages from a shard.

        It blocks for `timeout` seconds; `wake` is the key that ends that.
        """
        count = max(limit, _PREFETCH) if self._only_own else limit
        keys = self._packed[shard]
        start = 0
        if len(keys) > 1:
            # As _turn().
            start = self._first[shard] = (self._first[shard] + 1) % len(keys)
        known = shard, start, count, timeout, wake, self._transport.clocks[shard].pops_many
        try:
            return self._commands[known]
        except KeyError:
            pass
        if len(self._commands) >= _KEPT_COMMANDS:
            self._commands.clear()
        keys = keys[start:] + keys[:start]
        if wake is not None:
            keys.insert(0, argument(wake))
        packed = self._commands[known] = self._pack(keys, count, timeout, known[-1])
        return packed

    def _turn(self, what, number):
        first = self._first[what] = (self._first[what] + 1) % number
        return first

    def _wake(self, shard, token):
        """Return the key that wakes a wait, and the commands that do it."""
        try:
            return self._wakes[shard, token]
        except KeyError:
            pass
        if len(self._wakes) >= _KEPT_COMMANDS:
            self._wakes.clear()
        key = self._options.keys.wake(shard, token)
        wake = self._wakes[shard, token] = key, (pack('RPUSH', key, 1), pack('PEXPIRE', key, _WAKE_LIFETIME))
        return wake

    def _pack(self, keys, count, timeout, pops_many):
        number = argument(len(keys))
        if pops_many:
            start = [argument('LMPOP')] if timeout is None else [argument('BLMPOP'), argument(timeout)]
            return command(start + [number] + keys + [argument('LEFT'), argument('COUNT'), argument(count)])
        if timeout is None:
            return command(scripts.POP.start + [number] + keys + [argument(count)])
        return command([argument('BLPOP')] + keys + [argument(timeout)])

    def _parse_pop(self, reply):
        """Return (shard, queue, inbox, entries) of a reply, or None."""
        if reply is None:
            return None
        key, entries = reply
        queue = self._queues.get(key)
        if queue is None:
            # The key that wakes.
            return None
        return queue + (entries if type(entries) is list else [entries],)

    def _ready(self, limit, one_by_one):
        ready = []
        for inbox in self.inboxes:
            while inbox.waiting and len(ready) < limit:
                delivery = inbox.waiting.popleft()
                if delivery[0] <= self._transport.clocks[inbox.shard].now():
                    self._transport.decoder.expired(inbox)
                    continue
                if one_by_one and len(delivery[1]) > 1:
                    delivery, rest = _split(delivery)
                    inbox.waiting.appendleft(rest)
                ready.append(delivery[1:])
        return ready

    # What goes along with a command: reports of what was taken or lost

    def _reports(self, shard):
        commands = self._transport.pop_counts(shard) if self._transport.counts else ()
        marks = False
        for inbox in self._inboxes.get(shard, ()):
            key = self._options.keys.pending(shard, inbox.queue)
            if inbox.counts_dirty:
                commands += (pack('DEL', key),)
            elif inbox.received:
                pairs = [part for pair in inbox.received.items() for part in pair]
                commands += (scripts.RECEIVED.call([key, self._options.keys.statistics(shard)], pairs),)
                marks = True
            inbox.counts_dirty = False
            inbox.received = {}
        if self._transport.clocks[shard].is_to_mark() and not marks:
            commands += (self._transport.mark_command(shard, self.channels[0]),)
        return commands

    def _check_reports(self, shard, replies, reports):
        if any(type(reply) is ReplyError for reply in replies[:len(reports)]):
            self._forget_reports(shard)
        for reply in replies[:len(reports)]:
            if type(reply) is bytes:
                self._transport.clocks[shard].see_mark(reply)

    def _forget_reports(self, shard):
        for inbox in self._inboxes.get(shard, ()):
            inbox.counts_dirty = True


def _hand_out(delivery, inbox, deliveries, limit, one_by_one):
    """Append `delivery` to `deliveries`, or leave it in its `inbox` for later."""
    if inbox is not None and len(deliveries) >= limit:
        inbox.waiting.append(delivery)
        return
    if one_by_one and len(delivery[1]) > 1:
        delivery, rest = _split(delivery)
        inbox.waiting.append(rest)
    deliveries.append(delivery[1:])


def _split(delivery):
    """Return the delivery for the first of its channels, and for the rest."""
    deadline, channels, message = delivery
    # Each recipient may change its copy.
    return (deadline, channels[:1], message), (deadline, channels[1:], plain_copy(message))

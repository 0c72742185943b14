"""
Plans that receive.
"""
from __future__ import absolute_import, unicode_literals

import random
import types

from ...exceptions import LayerUnavailable
from .deliveries import hand_out, take_ready, take_unread
from .envelope import is_in_pieces
from .held_reader import HeldReader
from .operations import Block, Exchange, Result, checked, result_of
from .queue_keys import QueueKeys, WakingKeys
from .reports import ReportsMixin
from .resp import ReplyError, is_wrong_type, pack

#: Messages of a ! queue that are taken at once: its process is the only one.
_PREFETCH = 64
#: Queues that are taken from at once, by one who doesn't wait.
_QUEUES_AT_ONCE = 32


class Reader(ReportsMixin):
    """
    Reads from `channels`, a sequence of valid names; ``!`` names end there.

    Threads may share it if none of the names is a ``!`` name. `transport`
    is the Transport that made it. Of `held`, names of acknowledged channels
    among them, it holds what it takes for the process named `holder`.
    """

    def __init__(self, transport, channels, held=(), holder=None):
        self._transport = transport
        self._options = transport.options
        self.channels = channels
        keys = transport.options.keys
        #: Key -> (shard, queue, inbox or None).
        self._queues = {}
        # Shard -> QueueKeys; the keys of what rings if something can be held.
        self._keys, self._bell_keys = {}, set()
        self._inboxes = {}
        #: The Inboxes of its ``!`` names.
        self.inboxes = []
        self._held = HeldReader(transport, held, holder) if held else None
        #: Whether some of the channels are acknowledged ones.
        self.holds = self._held is not None
        # Whether others have their turn before what is held, and whether that
        # may be more.
        self._held_came_last = self._held_was_full = False
        for queue in channels:
            inbox = None
            if queue in held:
                for shard in keys.shards_of(queue):
                    self._keys_on(shard).add_bell(keys.bell(shard, queue))
                    self._bell_keys.add(keys.bell(shard, queue).encode('utf-8'))
                continue
            if queue.endswith('!'):
                inbox = transport.inbox(queue)
                self._inboxes.setdefault(inbox.shard, []).append(inbox)
                self.inboxes.append(inbox)
            for shard in keys.shards_of(queue):
                key = keys.queue(shard, queue)
                self._keys_on(shard).add(key)
                self._queues[key.encode('utf-8')] = (shard, queue, inbox)
        self._shards = tuple(sorted(self._keys))
        #: Whether all of it is on one shard, and no ``!`` name among it.
        self.has_one_shard = len(self._shards) == 1 and not self.inboxes
        self._only_own = all(queue.endswith('!') for queue in channels)
        self._wakes = WakingKeys(keys)
        # Which shard is first: they take turns, as the queues on one do.
        self._first = random.randrange(1000)

    def _keys_on(self, shard):
        if shard not in self._keys:
            self._keys[shard] = QueueKeys(shard, self._transport.clocks[shard])
        return self._keys[shard]

    # Plans

    # complexity: each message takes this way, and a call more would cost it.
    def receive(self, limit, timeout=0, token='', one_by_one=False, calls=None):
        """
        Take messages: at most `limit` deliveries of (channels, message).

        Wait up to `timeout` seconds for the first. `token` names the waiting
        thread or task among all that wait. With `one_by_one`, a delivery has
        one channel; others that it is for get theirs next, before anything
        sent later. The Result is a list. If it `has_one_shard`, `calls`,
        AcknowledgementCalls or SendCalls, may go along with what asks first.
        """
        ready = take_ready(self.inboxes, self._transport, limit, one_by_one) if self.inboxes else []
        if ready or not self._shards:
            yield Result(ready)
        shards = self._shards
        if len(shards) > 1:
            start = self._first = (self._first + 1) % len(shards)
            shards = shards[start:] + shards[:start]
        taken = take_unread(self.inboxes)
        if taken:
            pass
        elif not timeout or len(shards) > 1:
            taken = yield self._look(shards, limit, timeout, None, calls)
        elif self._held_came_last and not self._yields(shards):
            # The wait looks for what is to be held; more may come meanwhile.
            taken = yield self._look(shards, limit, timeout, (False,), calls)
        if timeout and not taken:
            taken = yield self._wait(shards, limit, timeout, token, calls)
        deliveries = []
        while taken and not deliveries:
            for shard, queue, inbox, entries in taken:
                if inbox is None and len(deliveries) >= limit:
                    # Two shards answered at once; others may wait.
                    yield self._held.release(entries) if queue is None else self._requeue(shard, queue, entries)
                    continue
                if queue is None:
                    deliveries += yield self._held.deliveries(entries)
                    continue
                self._transport.clocks[shard].took(queue, entries)
                if inbox is not None and inbox.unread:
                    inbox.unread += entries
                    continue
                for number, data in enumerate(entries, 1):
                    delivery = self._transport.decoder.decode(shard, queue, data, inbox)
                    is_last = False
                    if type(delivery) is types.GeneratorType:
                        is_last = inbox is not None and is_in_pieces(data)
                        if is_last:
                            inbox.unread += entries[number:]
                        delivery = yield delivery
                    if delivery is not None and inbox is None:
                        deliveries.append(delivery[1:])
                    elif delivery is not None:
                        hand_out(delivery, inbox, deliveries, limit, one_by_one)
                    if is_last:
                        break
            if not deliveries:
                # All of it was dropped; what is behind it may be good.
                taken = take_unread(self.inboxes) or (yield self._look(shards, limit, timeout))
        yield result_of((deliveries,))

    def _look(self, shards, limit, timeout, tries=None, calls=None):
        """Ask one shard after the other, and wait for none."""
        failures, tries = [], tries or self._tries()
        for shard in shards:
            try:
                if not self._transport.clocks[shard].is_fresh():
                    yield self._transport.know_time(shard)
                for is_held in tries:
                    taken = yield self._look_at(shard, is_held, limit, calls)
                    if taken:
                        self._held_came_last &= is_held
                        found, left = [taken], limit - len(taken[3])
                        if not timeout and not is_held and left > 0 and len(self._keys[shard]) > 1:
                            found += yield self._look_further(shard, left)
                        yield Result(found)
            except LayerUnavailable as error:
                self._forget(shard)
                if calls is not None:
                    calls.unavailable(shard, error)
                failures.append(error)
        if len(failures) == len(shards) and not timeout:
            raise failures[0]
        yield Result(())

    def _tries(self):
        """Return whether to look for what is held, in the order of the looks: neither may starve the other."""
        if self._held is None:
            return (False,)
        if not self._queues:
            return (True,)
        return (False, True) if self._held_came_last else (True, False)

    def _look_at(self, shard, is_held, limit, calls=None):
        """Have what a shard has as Result, as _parse_pop() returns it, or None."""
        if not is_held and not self._keys[shard].are_there():
            yield Result(None)
        reports = self._reports(shard)
        held_by = self._held.holder_on(shard) if is_held else None
        command = (
            self._held.command(shard, held_by, limit, None) if is_held else self._command(shard, limit, None, None)
        )
        ended = calls.commands(shard) if calls is not None else ()
        replies = yield Exchange(shard, ended + reports + (command,))
        if ended:
            replies = calls.read(shard, replies)
        if reports:
            self._check_reports(shard, replies, reports)
        if not is_held and is_wrong_type(replies[-1]):
            yield self._keys[shard].set_aside()
            yield Result((yield self._look_at(shard, is_held, limit)))
        reply = checked(replies[-1])
        yield Result(self._parse_held(shard, held_by, reply, limit) if is_held else self._parse_pop(reply))

    def _look_further(self, shard, limit):
        """Have what other queues of a shard have as Result, a list: a command takes from one of them only."""
        number = min(limit, len(self._keys[shard]) - 1, _QUEUES_AT_ONCE)
        commands = (self._command(shard, 1, None, None),) * number
        try:
            replies = yield Exchange(shard, commands)
        except LayerUnavailable:
            # What was taken before must not be lost by that.
            replies = ()
        yield Result([taken for taken in map(self._parse_pop, replies) if taken])

    def _yields(self, shards):
        """Return whether the wait leaves others their turn, in one write."""
        return self._held_was_full and len(shards) == 1 and self._transport.clocks[shards[0]].pops_many

    def _parse_held(self, shard, held_by, reply, limit):
        """Return (shard, None, None, what is held now), or None."""
        taken = self._held.read(shard, held_by, reply)
        self._held_came_last = bool(taken) and bool(self._queues)
        self._held_was_full = len(taken) >= limit
        return (shard, None, None, taken) if taken else None

    # complexity: as receive().
    def _wait(self, shards, limit, timeout, token, calls=None):
        """Have all shards tell when there is something."""
        requests, wake, reported, names, ended, others = [], {}, {}, {}, (), ()
        alarm = self._held and self._held.alarm(shards, timeout)
        if calls is not None:
            if alarm is not None:
                # What is answered is looked at once the waiting is over.
                yield self._transport.acknowledged.write(calls)
            ended = calls.commands(shards[0])
        for shard in shards:
            try:
                if not self._transport.clocks[shard].is_fresh():
                    yield self._transport.know_time(shard)
            except LayerUnavailable:
                # Then the waiting is for the server to come back, too.
                pass
            key, wake[shard] = self._wakes.get(shard, token)
            reported[shard] = commands = self._reports(shard)
            if self._held is not None:
                # It looks, and wakes what follows if there is something.
                names[shard] = self._held.holder_on(shard)
                if self._held_came_last and self._yields(shards):
                    others = self._keys[shard].there
                commands += (self._held.command(shard, names[shard], limit, key, others),)
            requests.append((shard, ended + commands + (self._command(shard, limit, timeout, key, bool(others)),)))
        wait = Block(requests, timeout, wake, alarm, len(ended), calls and calls.are_done)
        found, rung = [], []
        for shard, outcome in (yield wait):
            if isinstance(outcome, LayerUnavailable):
                self._forget(shard)
                if ended:
                    calls.unavailable(shard, outcome)
                continue
            if ended:
                outcome = calls.read(shard, outcome)
            if reported[shard]:
                self._check_reports(shard, outcome, reported[shard])
            if is_wrong_type(outcome[-1]):
                yield self._keys[shard].set_aside()
                outcome = outcome[:-1] + [None]
            reply, taken = outcome[-1], self._parse_replies(shard, names.get(shard), outcome, limit)
            found += taken
            if reply is not None and reply[0] in self._bell_keys:
                rung.append(shard)
            if shard in wait.woken and (taken or reply is None):
                # It woke nobody; it must not wake the next wait.
                try:
                    yield Exchange(shard, (pack('DEL', self._wakes.get(shard, token)[0]),))
                except LayerUnavailable:
                    # It expires; what was taken must not be lost by that.
                    pass
        if rung and not found:
            # Without another wait, which would have to be woken. It was the
            # others' turn: they had nothing for that wait.
            came_last, found = self._held_came_last, (yield self._look(rung, limit, timeout, (True,)))
            self._held_came_last = came_last
        yield result_of((found,))

    def _parse_replies(self, shard, held_by, replies, limit):
        """Return what a wait gave, in a list: what is held now, and what was taken."""
        held = None
        if self._held is not None and type(replies[-2]) is not ReplyError:
            held = self._parse_held(shard, held_by, replies[-2], limit)
        return [taken for taken in (held, self._parse_pop(replies[-1])) if taken]

    # Commands and replies

    def _command(self, shard, limit, timeout, wake, bells_last=False):
        """Return the packed command that takes messages from a shard; see QueueKeys.command()."""
        count = max(limit, _PREFETCH) if self._only_own else limit
        return self._keys[shard].command(count, timeout, wake, bells_last)

"""
Destination of the messages of a channel, and the commands that send them.
"""
from __future__ import absolute_import, unicode_literals

import itertools
import random

from ... import names
from . import scripts
from .envelope import MESSAGE, NEVER, pack_header
from .operations import Exchange, Result, checked
from .resp import append, argument, command, pack

#: Queues whose packed commands are kept, and channels whose queues are known;
#: those of ? and ! come and go.
_KEPT_DESTINATIONS = 2048
_KEPT_CHANNELS = 4096
#: Entries of a call up to which the rest of it is kept for the next one.
_KEPT_HEADS = 32


class Destination(object):
    """What is known of a queue before there is a message."""
    __slots__ = ('queue', 'shards', 'heads', 'capacity', 'lifetime', 'acknowledged', 'full')

    def __init__(self, queue, shards, capacity, lifetime, acknowledged=None):
        self.queue = queue
        self.shards = shards
        self.capacity = capacity
        #: Of an entry (ms), from now to its deadline.
        self.lifetime = lifetime
        #: The options of an acknowledged channel as text, '' if only others
        #: know them; None if it isn't one.
        self.acknowledged = acknowledged
        # (shard, number of entries) -> the packed call up to these.
        self.heads = {}
        #: The shards that had no room for a large message, and may have none:
        #: until when (ms) nothing expires there, as far as is known.
        self.full = {}

    def went(self, reply):
        """
        Return whether `reply` to a call is a number of entries that were put.

        If not so, it is an acknowledged channel, and its next call another
        one.
        """
        if reply != -1:
            return True
        self.acknowledged, self.heads = '', {}
        return False


class Destinations(object):
    """The destinations of one layer; any number of threads may share it."""

    def __init__(self, options, clocks):
        self._options = options
        self._clocks = clocks
        self._destinations = {}
        # Channel as it was named -> what find() returns.
        self._channels = {}
        # Normal channels take turns; not all processes begin at one shard.
        self._turns = itertools.count(random.randrange(options.keys.shards))

    def find(self, channel):
        """
        Return (queue, label, destination) of `channel`.

        Raise TypeError or ValueError if it is not a valid name.
        """
        try:
            found = self._channels.get(channel)
        except TypeError:
            found = None
        if found is not None:
            return found
        channel = names.validate_channel_name(channel)
        queue = names.non_local_name(channel)
        found = queue, channel[len(queue):], self._destination(queue)
        if len(self._channels) >= _KEPT_CHANNELS:
            self._channels.clear()
        self._channels[channel] = found
        return found

    def _destination(self, queue):
        try:
            return self._destinations[queue]
        except KeyError:
            if len(self._destinations) >= _KEPT_DESTINATIONS:
                self._destinations.clear()
            acknowledged, lifetime = self._options.get_acknowledged(queue), self._options.lifetime
            if acknowledged is not None:
                # What the script would have to write there otherwise.
                lifetime = acknowledged.milliseconds or NEVER
                capacity, acknowledged = acknowledged.capacity, acknowledged.as_text()
            elif queue.endswith('!'):
                capacity = self._options.get_process_capacity(queue)
            else:
                capacity = self._options.get_capacity(queue)
            destination = Destination(
                queue, self._options.keys.shards_to(queue), capacity, lifetime, acknowledged)
            self._destinations[queue] = destination
            return destination

    def forget(self):
        """Drop what was worked out from the old options of channels."""
        self._destinations, self._channels = {}, {}

    def count_waiting(self, channel):
        """A plan whose Result is the number of messages that wait for the process of `channel`, a ``!`` channel."""
        queue, label, destination = self.find(channel)
        length = pack('LLEN', self._options.keys.queue(destination.shards[0], queue))
        yield Result(checked((yield Exchange(destination.shards[0], (length,)))[0]))

    def order(self, destination):
        """Return the shards to try, the one whose turn it is first."""
        shards = destination.shards
        if len(shards) == 1:
            return shards
        start = next(self._turns) % len(shards)
        return shards[start:] + shards[:start]

    def command(self, destination, shard, flags, label, body):
        """Return the packed call that sends one entry, its `body` sealed."""
        head = self.head(destination, shard, 1)
        header = pack_header(MESSAGE | flags, self._clocks[shard].after(destination.lifetime), label)
        return append(head, header, body)

    def head(self, destination, shard, entries):
        """Return the packed call that sends so many entries, without these."""
        heads = destination.heads
        try:
            return heads[shard, entries]
        except KeyError:
            head = self._make_head(destination, shard, entries)
            if entries <= _KEPT_HEADS:
                heads[shard, entries] = head
            return head

    def transaction(self, destination, shard):
        """Return (start of the command that puts an entry, start of the call of keep.lua) of a transaction; packed."""
        heads = destination.heads
        try:
            return heads[shard, None]
        except KeyError:
            pass
        (queue, pending), arguments = self._send_arguments(destination, shard)
        heads[shard, None] = found = (
            # Or Redis answers before it has the entry, which wakes the sender.
            pack('CLIENT', 'REPLY', 'SKIP') + pack('MULTI') + command([argument('RPUSH'), argument(queue)], 2),
            # Were the script unknown, the entry would be there all the same.
            scripts.KEEP.head(
                [queue, self._options.keys.statistics(shard), pending], arguments, 2, is_known=False),
        )
        return found

    def _make_head(self, destination, shard, entries):
        if destination.acknowledged is not None:
            return scripts.PUT.head(
                [self._options.keys.statistics(shard)], self._put_arguments(destination) + ['', 0, 0, '', ''], entries
            )
        (queue, pending), arguments = self._send_arguments(destination, shard)
        return scripts.SEND.head([queue, self._options.keys.statistics(shard), pending], arguments, entries)

    def _put_arguments(self, destination):
        return [destination.queue, destination.acknowledged, self._options.statistics_lifetime]

    def _send_arguments(self, destination, shard):
        options, queue = self._options, destination.queue
        client_capacity, beside = '', options.keys.acknowledged(shard)
        if queue.endswith('!'):
            client_capacity, beside = options.get_capacity(queue), options.keys.pending(shard, queue)
        return [options.keys.queue(shard, queue), beside], [
            options.lifetime, destination.capacity, names.statistics_name(queue), options.statistics_lifetime,
            client_capacity,
        ]

    def along(self, destination, shard, entries):
        """Return the arguments of acknowledge.lua that send `entries`, a list of bytes."""
        if destination.acknowledged is not None:
            return ['a'] + self._put_arguments(destination) + [len(entries)] + entries
        keys, arguments = self._send_arguments(destination, shard)
        return ['s'] + keys + arguments + [len(entries)] + entries

    def seal(self, destination, shard, label, body):
        """Return `body` as it travels to `shard`."""
        deadline = self._clocks[shard].after(self._options.lifetime)
        return self._options.sealer.seal(shard, MESSAGE, destination.queue + label, deadline, body)

    def entries(self, destination, shard, waiting):
        """Return the packed entries of `waiting`, (pair, label, body) of each, in a list."""
        sealer = self._options.sealer
        if sealer.flags:
            return [append(b'', *self.entry(destination, shard, label, body)) for pair, label, body in waiting]
        deadline = self._clocks[shard].after(destination.lifetime)
        return [append(b'', pack_header(MESSAGE, deadline, label), body) for pair, label, body in waiting]

    def entry(self, destination, shard, label, body):
        """Return the header and the body of an entry."""
        deadline, sealer = self._clocks[shard].after(self._options.lifetime), self._options.sealer
        header = pack_header(MESSAGE | sealer.flags, deadline, label)
        if sealer.flags:
            body = sealer.seal(shard, MESSAGE, destination.queue + label, deadline, body)
        return header, body

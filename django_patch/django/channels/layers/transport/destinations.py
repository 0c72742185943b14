"""
Destination of the messages of a channel, and the commands that send them.
"""
from __future__ import absolute_import, unicode_literals

import itertools
import random

from ... import names
from . import scripts
from .envelope import COPIED, MESSAGE, pack_header

#: Queues whose packed commands are kept; ? and ! queues come and go.
_KEPT_DESTINATIONS = 2048


class Destination(object):
    """What is known of a queue before there is a message."""
    __slots__ = ('queue', 'shards', 'heads', 'capacity')

    def __init__(self, queue, shards, capacity):
        self.queue = queue
        self.shards = shards
        self.capacity = capacity
        # shard -> the packed call up to its last argument.
        self.heads = {}


class Destinations(object):
    """The destinations of one layer; any number of threads may share it."""

    def __init__(self, options, clocks):
        self._options = options
        self._clocks = clocks
        self._destinations = {}
        # Normal channels take turns; not all processes begin at one shard.
        self._turns = itertools.count(random.randrange(options.keys.shards))

    def find(self, channel):
        """Return (queue, label, destination) of a valid channel."""
        queue = names.non_local_name(channel)
        try:
            destination = self._destinations[queue]
        except KeyError:
            if len(self._destinations) >= _KEPT_DESTINATIONS:
                self._destinations.clear()
            if queue.endswith('!'):
                capacity = self._options.get_process_capacity(queue)
            else:
                capacity = self._options.get_capacity(queue)
            destination = Destination(queue, self._options.keys.shards_of(queue), capacity)
            self._destinations[queue] = destination
        return queue, channel[len(queue):], destination

    def order(self, destination):
        """Return the shards to try, the one whose turn it is first."""
        shards = destination.shards
        if len(shards) == 1:
            return shards
        start = next(self._turns) % len(shards)
        return shards[start:] + shards[:start]

    def command(self, destination, shard, flags, label, body):
        """Return the packed call that sends one entry, its `body` sealed."""
        try:
            head = destination.heads[shard]
        except KeyError:
            head = destination.heads[shard] = self.head(destination, shard, 1)
        header = pack_header(MESSAGE | flags, self._clocks[shard].after(self._options.lifetime), label)
        size = len(header) + len(body)
        if size > COPIED:
            # Formatting would grow its result, and copy it each time.
            return b''.join((head, b'$%d\r\n' % size, header, body, b'\r\n'))
        return b'%s$%d\r\n%s%s\r\n' % (head, size, header, body)

    def head(self, destination, shard, entries):
        """Return the packed call that sends so many entries, without these."""
        options, queue = self._options, destination.queue
        keys = [options.keys.queue(shard, queue), options.keys.statistics(shard)]
        client_capacity = ''
        if queue.endswith('!'):
            keys.append(options.keys.pending(shard, queue))
            client_capacity = options.get_capacity(queue)
        return scripts.SEND.head(keys, [
            options.lifetime, destination.capacity, names.statistics_name(queue), options.statistics_lifetime,
            client_capacity,
        ], entries)

    def seal(self, destination, shard, label, body):
        """Return `body` as it travels to `shard`."""
        deadline = self._clocks[shard].after(self._options.lifetime)
        return self._options.sealer.seal(shard, MESSAGE, destination.queue + label, deadline, body)

    def entry(self, destination, shard, label, body):
        """Return the header and the body of an entry."""
        deadline = self._clocks[shard].after(self._options.lifetime)
        header = pack_header(MESSAGE | self._options.sealer.flags, deadline, label)
        return header, self.seal(destination, shard, label, body)

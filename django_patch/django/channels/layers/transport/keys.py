"""
The names of the keys in Redis, and which shard a channel lives on.
"""
from __future__ import absolute_import, unicode_literals

import zlib

from ...compat import six


class Keys(object):
    """
    The keys below `prefix` (text), on `shards` shards.

    All keys of one shard hold its number in braces, so that they share a
    slot of Redis Cluster.
    """

    def __init__(self, prefix, shards):
        prefix = prefix.decode('utf-8') if isinstance(prefix, bytes) else prefix
        if not isinstance(prefix, six.text_type) or not prefix or '{' in prefix or '}' in prefix:
            raise ValueError('The prefix must be text without braces, and not empty, not %r.' % (prefix,))
        self.prefix = prefix
        self.shards = shards

    def base(self, shard):
        """Return what all keys of `shard` begin with."""
        return '%s{%d}:' % (self.prefix, shard)

    def queue(self, shard, name):
        """Return the key of a queue: a list of entries."""
        return '%sq:%s' % (self.base(shard), name)

    def pending(self, shard, name):
        """Return the key of a ! queue's counts: a hash."""
        return '%sp:%s' % (self.base(shard), name)

    def group(self, shard, group):
        """Return the key of a group's queues: a hash."""
        return '%sg:%s' % (self.base(shard), group)

    def members(self, shard, group, name):
        """Return the key of a process's members of a group: a sorted set."""
        return '%sm:%s:%s' % (self.base(shard), group, name)

    def changes(self, shard, group, name):
        """Return the key of what has changed in them: a list."""
        return '%sd:%s:%s' % (self.base(shard), group, name)

    def pieces(self, shard, identifier):
        """Return the key of a large message's pieces: a hash."""
        return '%sb:%s' % (self.base(shard), identifier)

    def wake(self, shard, token):
        """Return the key that wakes one waiting reader: a list."""
        return '%sw:%s' % (self.base(shard), token)

    def statistics(self, shard):
        """Return the key of the counters: a hash."""
        return self.base(shard) + 'statistics'

    def samples(self):
        """Return the key of what was measured in the last hour: a list on the first shard."""
        return self.base(0) + 'samples'

    def sampling(self):
        """Return the key that is there as long as the newest sample is new: text."""
        return self.base(0) + 'sampling'

    def processes(self, shard):
        """Return the key of when each process was last heard of: a sorted set."""
        return self.base(shard) + 'processes'

    def facts(self, shard):
        """Return the key of what processes say of themselves: a hash."""
        return self.base(shard) + 'facts'

    def shard_of(self, queue):
        """
        Return the number of the shard that `queue` lives on.

        For a normal channel, which lives on all of them, that is the shard
        where it is a member of groups.
        """
        if self.shards == 1:
            return 0
        return (zlib.crc32(queue.encode('ascii')) & 0xffffffff) % self.shards

    def shards_of(self, queue):
        """Return the numbers of all shards that `queue` lives on."""
        if '!' in queue or '?' in queue:
            return (self.shard_of(queue),)
        return tuple(range(self.shards))

"""
The names of the keys in Redis, and which shard a channel lives on.
"""
from __future__ import absolute_import, unicode_literals

import zlib

from ...compat import six


def place(number, shards):
    """
    Return which of `shards` shards a `number` (64 bits) belongs to.

    That is jump consistent hashing (Lamping and Veach, 2014): of n + 1 shards
    the last gets its share from the others, and nothing else moves.
    """
    shard, following = 0, 0
    while following < shards:
        shard = following
        number = (number * 2862933555777941757 + 1) & 0xffffffffffffffff
        following = int((shard + 1) * (2147483648.0 / ((number >> 33) + 1)))
    return shard


class Keys(object):
    """
    The keys below `prefix` (text), on `shards` shards.

    The last `joining` of them are being added: there are processes that don't
    know them, so they are read, and nothing new is put there.

    All keys of one shard hold its number in braces, so that they share a
    slot of Redis Cluster.
    """

    def __init__(self, prefix, shards, joining=0):
        prefix = prefix.decode('utf-8') if isinstance(prefix, bytes) else prefix
        if not isinstance(prefix, six.text_type) or not prefix or '{' in prefix or '}' in prefix:
            raise ValueError('The prefix must be text without braces, and not empty, not %r.' % (prefix,))
        self.prefix = prefix
        self.shards = shards
        # Made once, since each message needs some keys.
        self._bases = ['%s{%d}:' % (prefix, shard) for shard in range(shards)]
        self._settled = shards - joining

    def base(self, shard):
        """Return what all keys of `shard` begin with."""
        return self._bases[shard]

    def queue(self, shard, name):
        """Return the key of a queue: a list of entries."""
        return '%sq:%s' % (self.base(shard), name)

    def pending(self, shard, name):
        """Return the key of a ! queue's counts: a hash."""
        return '%sp:%s' % (self.base(shard), name)

    def group(self, shard, group):
        """Return the key of a group's queues: a hash."""
        return '%sg:%s' % (self.base(shard), group)

    def groups(self, shard):
        """Return the key of the groups that have members: a sorted set, by when the last membership ends."""
        return self.base(shard) + 'groups'

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

    def acknowledged(self, shard):
        """Return the key of the acknowledged channels' options: a hash. The scripts make their other keys."""
        return self.base(shard) + 'acknowledged'

    def line(self, shard, channel):
        """Return the key of what waits on an acknowledged channel without any option: a list of entries."""
        return '%sa:%s' % (self.base(shard), channel)

    def result(self, shard, identifier):
        """Return the key of what is known of a job: text."""
        return '%ss:%s' % (self.base(shard), identifier)

    def bell(self, shard, channel):
        """Return the key that wakes the readers of an acknowledged channel: a list."""
        return '%sn:%s' % (self.base(shard), channel)

    def kept_pieces(self, shard, identifier):
        """Return the key of the pieces of a message on an acknowledged channel: a hash."""
        return '%sk:%s' % (self.base(shard), identifier)

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
        own = '!' in queue or '?' in queue
        return place(_hash(queue), self.shards if own else self._settled)

    def shards_of(self, queue):
        """Return the numbers of all shards that `queue` may wait on."""
        if '!' in queue or '?' in queue:
            return (self.shard_of(queue),)
        return tuple(range(self.shards))

    def shards_to(self, queue):
        """Return the numbers of all shards that messages to `queue` may be put on."""
        if '!' in queue or '?' in queue:
            return (self.shard_of(queue),)
        return tuple(range(self._settled))

    def shard_of_job(self, name):
        """Return the number of the shard for a job whose unique key, or else id, is `name` (text)."""
        return place(_hash(name), self._settled)

    def keeps_place(self, queue):
        """
        Return whether all processes look for a queue in one place.

        They do while shards are being added, and until there are twice as
        many.
        """
        number = _hash(queue)
        shard = place(number, 2 * self.shards)
        return shard < self._settled


def _hash(name):
    return zlib.crc32(name.encode('utf-8')) & 0xffffffff

"""
Plans for groups: who is in them, and sending to all of them.
"""
from __future__ import absolute_import, unicode_literals

import struct

from ... import names
from ...exceptions import LayerUnavailable
from .. import codec
from . import scripts
from .envelope import GROUP, IN_PIECES, VERSION
from .large import check_size, upload
from .operations import DONE, Exchange, ExchangeAll, Result, checked, flatten
from .options import PIECES_GRACE
from .resp import append, pack
from .server_clock import know_time, know_times

#: Groups whose packed commands are kept.
_KEPT_GROUPS = 2048


class GroupOperations(object):
    """
    Plans for groups; any number of threads may share it.

    `clocks` and `ask_time` are as for SendOperations.
    """

    def __init__(self, options, clocks=(), ask_time=None):
        self._options = options
        self._clocks = clocks
        self._ask_time = ask_time
        # (shard, group) -> the packed call that sends, but its last argument.
        self._heads = {}

    def add(self, group, channel):
        """Make `channel` a member of `group`, both valid names."""
        return self._change(scripts.GROUP_ADD, group, channel)

    def discard(self, group, channel):
        """Remove `channel` from `group`, if it is a member."""
        return self._change(scripts.GROUP_DISCARD, group, channel)

    def _change(self, script, group, channel):
        options = self._options
        queue = names.non_local_name(channel)
        shard = options.keys.shard_of(queue)
        keys = [
            options.keys.group(shard, group), options.keys.members(shard, group, queue),
            options.keys.changes(shard, group, queue), options.keys.statistics(shard),
        ]
        capacity = options.get_process_capacity if queue.endswith('!') else options.get_capacity
        command = script.call(keys, [queue, channel[len(queue):], options.group_lifetime, capacity(queue)])
        self._clocks[shard].see_mark(checked((yield Exchange(shard, (command,)))[0]), of_groups=True)
        yield DONE

    def channels(self, group, absences=None, absent=None):
        """
        Have the full names of all members of `group` as Result.

        With `absences`, an Absences, of the members on the shards that are
        there; the others go into `absent`, as in each() of that.
        """
        shards = range(self._options.keys.shards)
        if absences is not None:
            yield absences.find(absent)
            shards = [shard for shard in shards if shard not in absent]
        requests = [(shard, (members_command(self._options, shard, group, ''),)) for shard in shards]
        found = []
        for shard, replies in zip(shards, (yield ExchangeAll(requests))):
            if isinstance(replies, LayerUnavailable):
                if absent is None or len(absent) == self._options.keys.shards - 1:
                    raise replies
                absent[shard] = '%s' % replies
                continue
            found.extend(
                queue + label.decode('ascii')
                for queue, version, labels in read_members(checked(replies[0])) for label in labels
            )
        yield Result(found)

    def send(self, group, message):
        """
        Send `message` to all members of `group`, in one call on each shard.

        The Result is how many members were left out, their queues being full.
        """
        body = codec.encode(message)
        if len(body) > self._options.piece_size:
            return flatten(self._send_large(group, body))
        if self._options.keys.shards == 1 and not self._options.sealer.flags:
            # Nearly all are so.
            return self._send_to_one(append(self._head(0, group), b'', codec.whole(body)))
        return flatten(self._send_small(group, codec.whole(body)))

    def _send_to_one(self, command):
        replies = yield Exchange(0, (command,))
        yield Result(checked(replies[0])[1])

    def _send_small(self, group, body):
        sealer = self._options.sealer
        shards = range(self._options.keys.shards)
        if sealer.is_bound:
            yield know_times(self._clocks, shards, self._ask_time)
        answers = yield ExchangeAll([
            (shard, (append(self._head(shard, group), b'', sealer.seal(
                shard, GROUP, group, self._ends(shard), body
            )),)) for shard in shards
        ])
        dropped, failure = 0, None
        for replies in answers:
            if isinstance(replies, LayerUnavailable):
                failure = replies
            else:
                dropped += checked(replies[0])[1]
        if failure is not None:
            # The members on the other shards have it.
            raise failure
        yield Result(dropped)

    def _send_large(self, group, body):
        check_size(body)
        sealer, dropped = self._options.sealer, 0
        for shard in range(self._options.keys.shards):
            if sealer.is_bound:
                yield know_time(self._clocks, shard, self._ask_time)
            exists = checked((yield Exchange(shard, (pack('EXISTS', self._options.keys.group(shard, group)),)))[0])
            if not exists:
                continue
            identifier = names.random_token(16)
            key = self._options.keys.pieces(shard, identifier)
            reference, seal = sealer.split(
                shard, GROUP, group, self._ends(shard) + PIECES_GRACE, identifier, len(body)
            )
            for commands in upload(self._options, IN_PIECES, key, seal, body):
                checked((yield Exchange(shard, commands))[0])
            command = append(self._call(shard, group, IN_PIECES | sealer.flags, key), b'', reference)
            dropped += checked((yield Exchange(shard, (command,)))[0])[1]
        yield Result(dropped)

    def _ends(self, shard):
        return self._clocks[shard].after(self._options.lifetime) if self._options.sealer.is_bound else 0

    def _head(self, shard, group):
        try:
            return self._heads[shard, group]
        except KeyError:
            head = self._call(shard, group, self._options.sealer.flags)
            if len(self._heads) >= _KEPT_GROUPS:
                self._heads.clear()
            self._heads[shard, group] = head
            return head

    def _call(self, shard, group, flags, pieces=None):
        # Packed, without its last argument, the body.
        options = self._options
        keys = [options.keys.group(shard, group), options.keys.statistics(shard)]
        if pieces is not None:
            keys.append(pieces)
        return scripts.GROUP_SEND.head(keys, [
            options.keys.base(shard), group, struct.pack(b'>B', VERSION), flags, options.lifetime,
            options.statistics_lifetime, options.lifetime + PIECES_GRACE,
        ], 1)


def members_command(options, shard, group, queue):
    """Return the command that asks who is in `group`, in `queue` or any."""
    keys = options.keys
    return scripts.GROUP_MEMBERS.call([keys.group(shard, group)], [keys.base(shard), group, queue])


def read_members(reply):
    """Return the reply of group_members.lua as [(queue, version, labels)]."""
    return [
        (reply[index].decode('ascii'), int(reply[index + 1]), reply[index + 2])
        for index in range(0, len(reply), 3)
    ]

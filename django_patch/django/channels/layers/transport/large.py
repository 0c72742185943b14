"""
Operations that send a body beside the script, in one piece or in several.
"""
from __future__ import absolute_import, unicode_literals

import logging

from ... import names
from ...compat.text import joined
from ...exceptions import ChannelFull, LayerUnavailable, MessageTooLarge
from .. import codec
from .envelope import IN_PIECES, MESSAGE, NEWEST, WHOLE, deadline_of, pack_header
from .operations import DONE, Exchange, Result, checked
from .options import MAX_SIZE, PIECES_GRACE
from .resp import LargeCommand, ReplyError, pack
from .sealing import STRING_SIZE
from .server_clock import know_time

logger = logging.getLogger('django.channels')

#: Bytes of a body from which on looking for room costs Redis less than a body
#: that is carried for nothing each time that a channel is full again.
_LOOK_SIZE = 256 << 10
#: What a server says of a bit behind its longest string.
_NO_SUCH_BIT = 'bit offset'


class LargeSendMixin(object):
    """What SendOperations does with bodies that a script should not carry."""

    def _send_beside(self, destination, label, body):
        """Put one piece, or one string, and the entry that refers to it, in one write."""
        shards, is_full = self._destinations.order(destination), False
        for shard in shards:
            try:
                # With that, who reads what is known.
                yield know_time(self._clocks, shard, self._ask_time)
                if shard in destination.full and not (yield self._has_room(destination, shard, label)):
                    # Not carried again for each time that a sender tries.
                    is_full = True
                    continue
                if self._clocks[shard].takes_strings is None and len(body) > self._options.piece_size:
                    yield self._ask_for_strings(shard)
                flags, key, reference, seal = self._refer(shard, destination, label, body)
                if len(body) > self._options.piece_size and not flags & WHOLE:
                    # Somebody reads no strings, or the server takes none.
                    yield self._send_large(destination, label, body)
                    yield DONE
                commands, = upload(self._options, flags, key, seal, body, readers=1)
                command = self._destinations.command(destination, shard, flags, label, reference)
                # Who fills a channel asks before it carries the next.
                replies = yield Exchange(shard, commands + (command, self._length(destination, shard)))
                stored, put, length = replies[0], replies[-2], replies[-1]
                if not destination.went(put):
                    put, = yield Exchange(
                        shard, (self._destinations.command(destination, shard, flags, label, reference),)
                    )
            except LayerUnavailable as error:
                if error.sent or shard == shards[-1] and not is_full:
                    raise
                continue
            checked(stored)
            if not checked(put) or type(length) is not ReplyError and length >= destination.capacity:
                destination.full.setdefault(shard, 0)
            elif len(body) < _LOOK_SIZE:
                destination.full.pop(shard, None)
            if put:
                yield DONE
            is_full = True
            yield Exchange(shard, (pack('UNLINK', key),))
        raise full_error(self._options, destination, label)

    def _ask_for_strings(self, shard):
        """
        Have the server say whether it takes the longest strings.

        One beyond its proto-max-bulk-len would cost the connection, and who
        sends it would not know why. Nobody may change that below 1 MiB.
        """
        clock, key = self._clocks[shard], self._options.keys.wake(shard, '')
        # A bit of a key that isn't there, the last that a string could have.
        reply = (yield Exchange(shard, (pack('GETBIT', key, STRING_SIZE * 8 - 1),)))[0]
        clock.takes_strings = type(reply) is not ReplyError or _NO_SUCH_BIT not in '%s' % reply
        if not clock.takes_strings:
            logger.warning(
                'The proto-max-bulk-len of shard %d is below 2 MiB: what is larger than 1 MiB goes there in pieces, '
                'which takes longer.', shard,
            )
        yield DONE

    def _has_room(self, destination, shard, label):
        """Look whether a message would fit; whether it seems so is the Result."""
        replies = yield Exchange(shard, self._questions(destination, shard, label))
        length = checked(replies[0])
        pending = int(checked(replies[1]) or 0) if label else 0
        if not self._is_full(destination, 2 * length, 2 * pending):
            # Full again soon, else.
            destination.full.pop(shard, None)
        if not self._is_full(destination, length, pending):
            yield Result(True)
        if destination.full.get(shard, 0) > self._clocks[shard].now():
            # It may be large, and each try would have it carried.
            yield Result(False)
        head, time = yield Exchange(shard, self._oldest(destination, shard))
        if checked(head) is None:
            yield Result(False)
        ends = deadline_of(head)
        if shard in destination.full:
            destination.full[shard] = ends
        # If the oldest has expired, sending makes room.
        yield Result(ends <= int(time[0]) * 1000 + int(time[1]) // 1000)

    def _send_large(self, destination, label, body):
        check_size(body)
        shards, is_full = self._destinations.order(destination), False
        for shard in shards:
            # Look before carrying what may be hundreds of megabytes.
            try:
                if self._options.sealer.is_bound:
                    yield know_time(self._clocks, shard, self._ask_time)
                has_room = yield self._has_room(destination, shard, label)
            except LayerUnavailable:
                if shard == shards[-1] and not is_full:
                    raise
                continue
            if not has_room:
                is_full = True
                continue
            flags, key, reference, seal = self._refer(shard, destination, label, body)
            for commands in upload(self._options, flags, key, seal, body):
                checked((yield Exchange(shard, commands))[0])
            put = None
            while put is None or not destination.went(put):
                replies = yield Exchange(shard, (
                    pack('HSET', key, 'readers', 1),
                    self._destinations.command(destination, shard, flags, label, reference),
                ))
                put = checked(replies[1])
            if put:
                yield DONE
            is_full = True
            yield Exchange(shard, (pack('UNLINK', key),))
        raise full_error(self._options, destination, label)

    def _refer(self, shard, destination, label, body, is_kept=False):
        """Return (flags, key of the pieces, reference to them, what seals each) for `body`."""
        identifier = names.random_token(16)
        # What is kept until it is done outlives those who agreed on versions.
        is_whole = (
            len(body) <= self._options.string_size and not is_kept and destination.acknowledged is None and
            self._clocks[shard].lowest_version >= NEWEST and
            (len(body) <= self._options.piece_size or self._clocks[shard].takes_strings)
        )
        flags = (IN_PIECES | WHOLE if is_whole else IN_PIECES) | self._options.sealer.flags
        reference, seal = self._options.sealer.split(
            shard, MESSAGE | flags, destination.queue + label,
            self._clocks[shard].after(self._options.lifetime + PIECES_GRACE), identifier, len(body),
        )
        return flags, self._options.keys.pieces(shard, identifier), reference, seal

    def beside(self, shard, destination, body):
        """Return (key of the pieces, iterator of the commands that store them, bytes of the entry for them)."""
        flags, key, reference, seal = self._refer(shard, destination, '', body, is_kept=True)
        header = pack_header(MESSAGE | flags, self._clocks[shard].after(self._options.lifetime), '')
        return key, upload(self._options, flags, key, seal, body, readers=1), header + reference

    def _questions(self, destination, shard, label):
        keys, queue = self._options.keys, destination.queue
        pending = (pack('HGET', keys.pending(shard, queue), label),) if label else ()
        return (self._length(destination, shard),) + pending

    def _oldest(self, destination, shard):
        return pack('LINDEX', self._options.keys.queue(shard, destination.queue), 0), pack('TIME')

    def _length(self, destination, shard):
        keys = self._options.keys
        waits = keys.queue if destination.acknowledged is None else keys.line
        return pack('LLEN', waits(shard, destination.queue))

    def _is_full(self, destination, length, pending):
        return length >= destination.capacity or (
            pending >= self._options.get_capacity(destination.queue)
        )


def check_size(body):
    """Raise MessageTooLarge if no entry can have `body`."""
    if len(body) > MAX_SIZE:
        raise MessageTooLarge('The message has %d bytes; at most %d can be sent.' % (len(body), MAX_SIZE))


def upload(options, flags, key, seal, body, readers=None):
    """
    Return an iterator of the commands that store each piece of `body`.

    With `readers`, a number, they also say how many readers it is for, unless
    the `flags` of its entry say that it is WHOLE: then it is for one.
    """
    lifetime = options.lifetime + PIECES_GRACE
    slice_of = body.slice if isinstance(body, codec.LargeBody) else lambda start, stop: [memoryview(body)[start:stop]]
    size = len(body) if flags & WHOLE else options.piece_size
    for index, start in enumerate(range(0, len(body), size)):
        piece = slice_of(start, start + size)
        if options.sealer.flags:
            piece = [seal(index, joined(piece))]
        if flags & WHOLE:
            # Redis keeps the argument as it is; a hash would have a copy.
            yield LargeCommand(('SET', key), piece, ('PX', lifetime)),
        else:
            last = () if readers is None else ('readers', readers)
            yield LargeCommand(('HSET', key, index), piece, last), pack('PEXPIRE', key, lifetime)


def full_error(options, destination, label):
    """Return the ChannelFull that says what is full."""
    if label:
        return ChannelFull(
            'The channel %s%s is full: %d messages wait for this client, or %d for all clients of its process.' %
            (destination.queue, label, options.get_capacity(destination.queue), destination.capacity)
        )
    return ChannelFull('The channel %s is full: %d messages wait there.' % (destination.queue, destination.capacity))

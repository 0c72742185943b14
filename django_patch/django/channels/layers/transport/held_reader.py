"""
The part of a Reader that holds what it takes, on acknowledged channels.
"""
from __future__ import absolute_import, unicode_literals

import functools
import struct
import types

from ...exceptions import LayerUnavailable, MalformedMessage
from ..acknowledgement import BURY, RELEASE, HeldMessage, Receipt, story_of
from . import scripts
from .operations import DONE, Result
from .queue_keys import KEPT_COMMANDS

#: Messages that one call holds at most.
_TAKEN_AT_ONCE = 1000
#: Seconds after which something is due that it is looked for.
_GRACE = 0.001

# Deliveries before, priority + 128, ms of the sending, size of the unique key.
_RECORD = struct.Struct('>HBQH')
# As Receipt(...) of a tuple, without a call of Python's.
_receipt = functools.partial(tuple.__new__, Receipt)


def _unpacked(data):
    try:
        return _RECORD.unpack_from(data)
    except struct.error as error:
        raise MalformedMessage('A record on an acknowledged channel is invalid: %s.' % error)


def holder(reader, clock):
    """
    Return the name by which a process holds what it takes now.

    The process is named `reader`, and takes from the server of `clock`.
    It is another one after each loss of data: what the server then says that
    the process holds, it holds no more.
    """
    return '%s~%d' % (reader, clock.generation)


class Record(object):
    """What a job's bytes in Redis say of it: numbers (`sent` in ms), text, and its entry."""
    __slots__ = ('deliveries', 'priority', 'sent', 'unique', 'entry')

    def __init__(self, data):
        self.deliveries, priority, self.sent, size = _unpacked(data)
        self.priority = priority - 128
        self.unique = data[_RECORD.size:_RECORD.size + size].decode('utf-8', 'replace')
        self.entry = data[_RECORD.size + size:]


class HeldReader(object):
    """The part of a Reader that holds what it takes from acknowledged channels, for the process named `reader`."""

    def __init__(self, transport, channels, reader):
        self._transport = transport
        self._options = transport.options
        self._reader = reader
        # [(channel, its options as text), ...]
        self._channels = [
            (channel, options.as_text() if options is not None else '')
            for channel, options in [(channel, self._options.get_acknowledged(channel)) for channel in channels]
        ]
        # Shard -> when it is looked at again (ms of its clock).
        self._due = {}
        self._turn = 0
        self._commands = {}

    def holder_on(self, shard):
        """Return the name that the next command() to `shard` is to have; its answer is read with the same."""
        return holder(self._reader, self._transport.clocks[shard])

    def command(self, shard, held_by, limit, wake, others=()):
        """
        Return the packed command that takes messages of `shard` for `held_by`.

        `wake` is the key that is waited for, or None. It takes none while
        there is anything in the queues of the keys `others`, a tuple.
        """
        self._turn = start = (self._turn + 1) % len(self._channels)
        due = self._due.get(shard)
        known = shard, held_by, limit, wake, start, due, others
        try:
            return self._commands[known]
        except KeyError:
            pass
        keys = [self._options.keys.statistics(shard)]
        arguments = [
            held_by, min(limit, _TAKEN_AT_ONCE), '' if due is None else due,
        ]
        for pair in self._channels[start:] + self._channels[:start]:
            arguments += pair
        if wake is not None:
            keys.append(wake)
            keys.extend(others)
        packed = scripts.TAKE.call(keys, arguments)
        if due is None:
            # Others are asked for once.
            if len(self._commands) >= KEPT_COMMANDS:
                self._commands.clear()
            self._commands[known] = packed
        return packed

    def unanswered(self, shard):
        """Note that a command() was written to `shard`, maybe, and never answered."""
        self._transport.unanswered.lost(shard, [channel for channel, options in self._channels])

    def alarm(self, shards, timeout):
        """Return in how many seconds something is due on `shards`; None if it isn't before `timeout`, or not known."""
        alarms = []
        for shard in shards:
            due, clock = self._due.get(shard), self._transport.clocks[shard]
            if due is not None and clock.is_known():
                # The server's clock may be a little behind what we know.
                alarms.append(max(0.0, (due - clock.now()) / 1000.0) + _GRACE)
        first = min(alarms) if alarms else timeout
        return first if first < timeout else None

    def read(self, shard, held_by, reply):
        """
        Return what `reply` says is held now.

        That is [(Receipt, bytes of the entry), ...]. It is held under the name
        that was asked with: by now, the server may be known to have lost
        something, and the process has another.
        """
        due, channel, found = reply
        self._due[shard] = int(due) if due else None
        channel = channel.decode('ascii')
        if found:
            self._transport.clocks[shard].held()
        taken, took = [], self._transport.unanswered.took
        for token, data in zip(found[::2], found[1::2]):
            # As Record does it, without what is of no interest here.
            deliveries, priority, sent, size = _unpacked(data)
            token = token.decode('ascii')
            sent /= 1000.0
            took(shard, channel, token, sent)
            taken.append((
                _receipt((channel, token.partition(':')[0], deliveries + 1, sent, shard, held_by, token)),
                data[_RECORD.size + size:],
            ))
        return taken

    def release(self, taken):
        """Requeue `taken`, which nobody has got, as if it had not been received."""
        for receipt, data in taken:
            try:
                yield self._transport.acknowledged.postpone(receipt, RELEASE, 0, 0, '')
            except LayerUnavailable:
                # Nobody else would, while this process lives: the next look
                # finds it.
                self._transport.unanswered.over(receipt)
                self._transport.unanswered.lost(receipt.shard, [receipt.channel])
        yield DONE

    def deliveries(self, taken):
        """Have [((channel,), HeldMessage), ...] as Result; what can't be read is a dead letter then."""
        found = []
        for receipt, data in taken:
            try:
                message = self._transport.decoder.decode_held(receipt.shard, receipt.channel, data)
                if type(message) is types.GeneratorType:
                    message = yield message
            except MalformedMessage as error:
                self._transport.decoder.drop_log.dropped('malformed', receipt.channel, error)
                try:
                    yield self._transport.acknowledged.postpone(
                        receipt, BURY, 0, 0, story_of(error=str(error))
                    )
                except LayerUnavailable:
                    # Somebody else finds it, once this process has ended.
                    pass
                continue
            found.append(((receipt.channel,), HeldMessage(message, receipt)))
        yield Result(found)

"""
From the bytes of an entry to what its reader gets.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable, MalformedMessage
from ...names import MAX_NAME_LENGTH, statistics_name
from .. import codec
from ..drop_log import DropLog
from ..viewing import LargeQuestion, decode_parted
from . import scripts
from .envelope import ENCRYPTED, GROUP, IN_PIECES, MESSAGE, WHOLE, Entry, ExpiredEntry, UnsupportedEntry
from .groups import members_command, read_members
from .operations import Exchange, Result, checked
from .options import MAX_SIZE
from .resp import pack


class _PieceMissing(MalformedMessage):
    """Raised when a message isn't there that an entry refers to."""


class EntryDecoder(object):
    """Opens entries for the readers of one layer."""

    def __init__(self, transport):
        self._transport = transport
        self._options = transport.options
        self._reads_plain = not self._options.sealer.flags
        #: Decodes bodies that lay beside their entries: with views, maybe.
        self.decode_beside = decode_parted
        #: Called with a queue's name and the seconds that a message waited
        #: there, for each that is received; or None.
        self.on_received = None
        self.drop_log = DropLog(transport.monotonic)

    def decode(self, shard, queue, data, inbox):
        """
        Return what `data` holds: (deadline, channels, message), or None.

        Return a plan that has it as Result if more has to be asked for.
        """
        try:
            entry = Entry(data)
            if entry.kind != MESSAGE:
                decode = self._decode_for_group if entry.kind == GROUP else self._decode_for_member
                return decode(shard, queue, entry, inbox)
            channel = queue + entry.label
            if len(channel) >= MAX_NAME_LENGTH or inbox is None and entry.label:
                raise MalformedMessage('An entry is for %s, which is not a channel.' % channel)
            if inbox is not None:
                inbox.count_received(entry.label)
            now, deadline = self._transport.clocks[shard].now(), entry.deadline
            if deadline <= now:
                return self._drop(shard, queue, 'expired')
            if self.on_received is not None:
                # The sender puts the deadline in by a clock of its own.
                waited = (now - deadline + self._options.lifetime) / 1000.0
                self.on_received(queue, waited if waited > 0.0 else 0.0)
            if not entry.flags and self._reads_plain:
                return deadline, (channel,), codec.decode(entry.body)
            if entry.flags & IN_PIECES:
                return self._collect(shard, queue, entry, (channel,))
            return deadline, (channel,), self.read(shard, queue, entry)
        except MalformedMessage as error:
            return self._refuse(shard, queue, error)

    def read(self, shard, queue, entry):
        """Return the message of `entry`, which has it whole; raise MalformedMessage."""
        sealer = self._options.sealer
        if not (sealer.flags or entry.flags & ENCRYPTED):
            return codec.decode(entry.body)
        return codec.decode(sealer.open(shard, entry, _name(queue, entry), self._transport.clocks[shard].now()))

    def _refuse(self, shard, queue, error):
        """Drop what can't be read because of `error`; return None."""
        if isinstance(error, ExpiredEntry):
            return self._drop(shard, queue, 'expired')
        if isinstance(error, UnsupportedEntry):
            return self._drop(shard, queue, 'unsupported', '%s Is a newer release among the senders?' % error)
        return self._drop(shard, queue, 'malformed', error)

    def _decode_for_group(self, shard, queue, entry, inbox):
        if inbox is None:
            raise MalformedMessage('A channel without "!" got an entry for the members of a process.')
        # An expired entry still tells who is in the group now.
        channels = inbox.apply_changes(entry)
        if entry.deadline <= self._transport.clocks[shard].now():
            return self._drop(shard, queue, 'expired')
        if channels is None:
            return self._ask_members(shard, queue, entry, inbox)
        if entry.flags & IN_PIECES:
            return self._collect(shard, queue, entry, channels)
        return (entry.deadline, channels, self.read(shard, queue, entry)) if channels else None

    def _decode_for_member(self, shard, queue, entry, inbox):
        if inbox is not None:
            raise MalformedMessage('A process got an entry for a channel without "!".')
        if entry.deadline <= self._transport.clocks[shard].now():
            return self._drop(shard, queue, 'expired')
        if entry.flags & IN_PIECES:
            return self._collect(shard, queue, entry, (queue,))
        return entry.deadline, (queue,), self.read(shard, queue, entry)

    # Plans

    def _ask_members(self, shard, queue, entry, inbox):
        try:
            replies = yield Exchange(shard, (members_command(self._options, shard, entry.label, queue),))
            queue, version, labels = read_members(checked(replies[0]))[0]
        except LayerUnavailable as error:
            yield Result(self._drop(shard, queue, 'lost', error))
        channels = inbox.reset_members(entry.label, version, [label.decode('ascii') for label in labels])
        if entry.flags & IN_PIECES:
            yield Result((yield self._collect(shard, queue, entry, channels)))
        try:
            yield Result((entry.deadline, channels, self.read(shard, queue, entry)) if channels else None)
        except MalformedMessage as error:
            yield Result(self._refuse(shard, queue, error))

    def _collect(self, shard, queue, entry, channels):
        try:
            body = yield self._join(
                shard, queue, entry, self._transport.clocks[shard].now(), self._options.keys.pieces, release=True,
            )
            yield Result((entry.deadline, channels, self.decode_beside(body)) if channels else None)
        except LayerUnavailable as error:
            yield Result(self._drop(shard, queue, 'lost', error))
        except _PieceMissing as error:
            yield Result(self._drop(shard, queue, 'lost', error))
        except MalformedMessage as error:
            yield Result(self._refuse(shard, queue, error))

    # complexity: how a piece is read, and released, depends on its form.
    def _join(self, shard, queue, entry, now, key_of, release):
        """
        Have the body that `entry` refers to as Result.

        key_of(shard, identifier) returns the key of the pieces; `release`
        says that their reader needs them no more. Raise MalformedMessage.
        """
        identifier, size, pieces, open_piece = self._options.sealer.join(shard, entry, _name(queue, entry), now)
        if size > MAX_SIZE:
            raise MalformedMessage('A message claims to have %d bytes.' % size)
        key = key_of(shard, identifier)
        if entry.flags & WHOLE and pieces != 1:
            raise MalformedMessage('A message in one string claims to have %d pieces.' % pieces)
        # Others can put back what came from where any process may read.
        is_shared = '!' not in queue and '?' not in queue
        releases = self._transport.releases if release and is_shared else None
        # One buffer for all of it, so that memory holds each byte once.
        body, end = None if pieces == 1 else bytearray(size), 0
        for index in range(pieces):
            commands = (pack('HGET', key, index),)
            if release and entry.flags & WHOLE:
                commands = (pack('GETDEL' if releases is None else 'GET', key),)
                if not (entry.flags & ENCRYPTED or self._options.sealer.flags):
                    commands = (LargeQuestion(commands[0]),)
            elif release and releases is None and index == pieces - 1:
                # It is known by then whether the others were there.
                commands += (scripts.RELEASE.call([key], []),)
            piece = checked((yield Exchange(shard, commands))[0])
            if piece is None:
                raise _PieceMissing('a piece is missing')
            piece = open_piece(index, piece)
            start, end = end, end + len(piece)
            if end > size:
                raise MalformedMessage('The pieces of a message are more than it claims.')
            if body is None:
                body = piece
            else:
                body[start:end] = piece
        if end < size:
            raise MalformedMessage('The pieces of a message are less than it claims.')
        if releases is not None:
            freeing = pack('UNLINK', key) if entry.flags & WHOLE else scripts.RELEASE.call([key], [])
            releases.found.append((shard, freeing))
        yield Result(body)

    # What is held

    def decode_held(self, shard, channel, data):
        """
        Return the message of an entry that is held on an acknowledged channel.

        Return a plan that has it as Result if more has to be asked for. Its
        deadline is the scripts' matter. Raise MalformedMessage.
        """
        entry = Entry(data)
        if entry.kind == MESSAGE and not (entry.flags or entry.label) and self._reads_plain:
            # Nearly all are so.
            return codec.decode(entry.body)
        if entry.kind == GROUP or entry.kind == MESSAGE and entry.label:
            raise MalformedMessage('An entry of kind %d on the acknowledged channel %s.' % (entry.kind, channel))
        if entry.flags & IN_PIECES:
            return self._decode_held(shard, channel, entry)
        return codec.decode(self._options.sealer.open(shard, entry, _name(channel, entry), 0))

    def _decode_held(self, shard, channel, entry):
        body = yield self._join(shard, channel, entry, 0, self._options.keys.kept_pieces, release=False)
        yield Result(codec.decode(body))

    # What gets lost

    def expired(self, inbox):
        """Count a message that was taken in time and handed out too late."""
        self._drop(inbox.shard, inbox.queue, 'expired')

    def lost(self, shard, queue, reason):
        """Count and log a message that was taken and can't be handed out."""
        self._drop(shard, queue, 'lost', reason)

    def _drop(self, shard, queue, counter, reason=None):
        name = statistics_name(queue)
        self._transport.count(shard, '%s:%s' % (counter, name), 1)
        if reason is not None:
            self.drop_log.dropped(counter, name, reason)
        return None


def _name(queue, entry):
    """Return what an entry was sent to: a channel's full name, or a group's."""
    return queue + entry.label if entry.kind == MESSAGE else entry.label

"""
Bodies as they travel: plain, or encrypted and bound to where they belong.

A bound body is accepted only on the channel, or in the group, and on the
shard that it was sent to, with the kind that it was sent with, and until its
sender's deadline: who can write to Redis, but has no key, can repeat it there
until then, and nothing else. Transport standard, section 11.
"""
from __future__ import absolute_import, unicode_literals

import struct

from ...exceptions import MalformedMessage
from .cipher import OVERHEAD
from .envelope import (
    BOUND, ENCRYPTED, GROUP, IN_PIECES, MESSAGE, WHOLE, ExpiredEntry, pack_reference, reference_of, unpack_reference,
)

#: Bytes of a body above which it is sent in pieces, and of a piece; and of
#: the largest that is one string, so that a megabyte with what is around it is
#: one.
PIECE_SIZE, STRING_SIZE = 1 << 20, 2 << 20
#: Milliseconds after its sender's deadline that a body is still accepted: what
#: the clocks of two processes may think differently of the server's.
GRACE = 10000
#: What `unbound_encryption` may be: what is done with bodies that are
#: encrypted as in draft 1, bound to the prefix alone.
REFUSE, ACCEPT, SEND = None, 'accept', 'send'

_DEADLINE = struct.Struct('>Q')
_PIECE = struct.Struct('>QLL')


class Sealer(object):
    """
    Seals and opens the bodies of one layer; `cipher` may be None.

    `unbound` is REFUSE, ACCEPT (read bodies that aren't bound), or SEND (and
    write them), for an update from draft 1 of the standard.
    """

    def __init__(self, cipher, unbound=REFUSE):
        if unbound not in (REFUSE, ACCEPT, SEND):
            raise ValueError("unbound_encryption must be None, 'accept' or 'send', not %r." % (unbound,))
        self._cipher = cipher
        self._unbound = unbound
        #: Does a body say when it ends? Then its sender has to know the time.
        self.is_bound = cipher is not None and unbound != SEND
        self.flags = 0 if cipher is None else ENCRYPTED | (BOUND if self.is_bound else 0)
        overhead = 0 if cipher is None else OVERHEAD + _DEADLINE.size
        self.piece_size, self.string_size = PIECE_SIZE - overhead, STRING_SIZE - overhead

    def seal(self, shard, kind, name, deadline, body):
        """
        Return `body` (bytes) for an entry of `kind`, without flags.

        `name` is the full name of the channel, or that of the group, and
        `deadline` (ms) the end of the message's life.
        """
        if self._cipher is None:
            return body
        if not self.is_bound:
            return self._cipher.encrypt(body)
        ends = _DEADLINE.pack(deadline)
        return ends + self._cipher.encrypt(body, _context(shard, kind | self.flags, ends, name))

    def open(self, shard, entry, name, now):
        """
        Return the body of an Entry as it was before seal().

        Raise MalformedMessage, or ExpiredEntry if `now` (ms) is too late.
        """
        if not self._check(entry):
            return entry.body
        if not entry.flags & BOUND:
            return self._cipher.decrypt(entry.body)
        ends = bytes(entry.body[:_DEADLINE.size])
        _check_time(ends, now)
        return self._cipher.decrypt(entry.body[_DEADLINE.size:], self._context_of(shard, entry, ends, name))

    def split(self, shard, kind, name, deadline, identifier, size):
        """
        Return (reference, seal) for a message of `size` bytes in pieces.

        The reference is an entry's body; seal(index, piece) returns a piece
        as it is stored. `deadline` is when pieces are gone. If the `kind` says
        WHOLE, there is one.
        """
        count = 1 if kind & WHOLE else -(-size // self.piece_size)
        reference = pack_reference(identifier, size, count)
        if self._cipher is None:
            return reference, lambda index, piece: piece
        if not self.is_bound:
            return reference, lambda index, piece: self._cipher.encrypt(piece, _unbound_piece(identifier, index))
        ends = _DEADLINE.pack(deadline)
        context = _context(shard, kind | IN_PIECES | self.flags, ends, name) + b'\0' + identifier.encode('ascii')
        return reference + ends, lambda index, piece: self._cipher.encrypt(
            piece, context + _PIECE.pack(size, count, index)
        )

    def join(self, shard, entry, name, now):
        """
        Return (identifier, size, count, open) of an Entry in pieces.

        open(index, piece) returns a piece as it was before it was stored.
        Raise as open() does, and open(index, piece) does.
        """
        if not self._check(entry):
            return unpack_reference(entry.body) + (lambda index, piece: piece,)
        if not entry.flags & BOUND:
            identifier, size, count = unpack_reference(entry.body)
            return identifier, size, count, lambda index, piece: self._cipher.decrypt(
                piece, _unbound_piece(identifier, index)
            )
        reference = reference_of(entry)
        identifier, size, count = unpack_reference(reference)
        ends = bytes(entry.body[len(reference):])
        _check_time(ends, now)
        context = self._context_of(shard, entry, ends, name) + b'\0' + identifier.encode('ascii')
        return identifier, size, count, lambda index, piece: self._cipher.decrypt(
            piece, context + _PIECE.pack(size, count, index)
        )

    def _check(self, entry):
        """Return whether the body is encrypted; raise MalformedMessage."""
        if not entry.flags & ENCRYPTED:
            if self._cipher is not None:
                raise MalformedMessage('A message was not encrypted, and this layer accepts no others.')
            return False
        if self._cipher is None:
            raise MalformedMessage('A message is encrypted, and there are no symmetric_encryption_keys.')
        if not entry.flags & BOUND and self._unbound == REFUSE:
            raise MalformedMessage(
                "A message is encrypted, but not bound to its channel. While senders are updated, set "
                "unbound_encryption to 'accept'."
            )
        return True

    def _context_of(self, shard, entry, ends, name):
        # A group's message is encrypted once for all its members on a shard.
        kind = MESSAGE if entry.kind == MESSAGE else GROUP
        return _context(shard, kind | entry.flags, ends, name)


def _context(shard, kind, ends, name):
    return b'{%d}:%s%s%s' % (shard, struct.pack(str('B'), kind), ends, name.encode('ascii'))


def _unbound_piece(identifier, index):
    return ('%s/%d' % (identifier, index)).encode('ascii')


def _check_time(ends, now):
    if len(ends) != _DEADLINE.size:
        raise MalformedMessage('An encrypted body is cut short.')
    if _DEADLINE.unpack(ends)[0] + GRACE <= now:
        raise ExpiredEntry('Its sender wanted it to have expired by now.')

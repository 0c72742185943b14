"""
The bytes of an entry in a queue: a header that a script can read, a body.

Version (1 byte), kind (1), deadline (8, ms of the server's clock), size of
the label (2), label. The label is the client's name for a message to a ``!``
channel, and the group's name for one to a group. Numbers are unsigned and
big-endian.
"""
from __future__ import absolute_import

import re
import struct

from ...exceptions import MalformedMessage
from ...names import MAX_NAME_LENGTH

#: What entries are written as, and the newest that is read: in that, a body
#: may be WHOLE.
VERSION, NEWEST = 1, 2

#: The low four bits of the kind: a message to one channel, to a group's
#: members in one process, or to a member that is a channel without "!".
MESSAGE, GROUP, MEMBER = 1, 2, 3
#: Flags of the kind: the body is a reference to pieces; it is encrypted; what
#: is encrypted is bound to where it belongs; there is one piece, and it is a
#: key of its own. Each version with the flags that it knows.
IN_PIECES, ENCRYPTED, BOUND, WHOLE = 16, 32, 64, 128
_FLAGS = {1: IN_PIECES | ENCRYPTED | BOUND, 2: IN_PIECES | ENCRYPTED | BOUND | WHOLE}

#: What is added to the time of sending (ms) for the deadline of an entry that
#: has none: as in acknowledged.lua.
NEVER = 2 ** 52

#: Bytes of a body that are copied without a thought. A copy of much more
#: costs as much as everything else, since its memory comes from the system.
COPIED = 4096

_HEADER = struct.Struct('>BBQH')
_MEMBERS = struct.Struct('>QQL')
_REFERENCE = struct.Struct('>16sQL')
_LABEL = re.compile(br'[A-Za-z0-9._-]*\Z')
_CHANGES = re.compile(br'(?:[+-][A-Za-z0-9._-]*(?: [+-][A-Za-z0-9._-]*)*)?\Z')
_IDENTIFIER = re.compile(br'[A-Za-z0-9]{16}\Z')


class UnsupportedEntry(MalformedMessage):
    """Raised for an entry that a later version of the standard may have."""


class ExpiredEntry(MalformedMessage):
    """Raised for an entry that is older than its sender wanted it to get."""


def pack_header(kind, deadline, label):
    """Return what comes before the body: numbers, and `label` (text)."""
    version = NEWEST if kind & WHOLE else VERSION
    if not label:
        return _HEADER.pack(version, kind, deadline, 0)
    label = label.encode('ascii')
    return _HEADER.pack(version, kind, deadline, len(label)) + label


class Entry(object):
    """
    An entry that was read.

    `kind` and `flags` are numbers, `deadline` ms, `label` text, `body` bytes
    or a view of them.
    An entry of kind GROUP also has `base` and `version`, the versions of the
    process's members before and after `changes`, "+name" and "-name".
    """
    __slots__ = ('kind', 'flags', 'deadline', 'label', 'body', 'base', 'version', 'changes')

    def __init__(self, data):
        """Read `data` (bytes); raise MalformedMessage or UnsupportedEntry."""
        try:
            version, kind, self.deadline, size = _HEADER.unpack_from(data)
            if version == VERSION and kind == MESSAGE and len(data) <= COPIED:
                # Nearly all are so: for one channel, without flags.
                label = data[12:12 + size]
                if len(label) == size and (not size or _LABEL.match(label)):
                    self.kind, self.flags, self.label, self.body = kind, 0, label.decode('ascii'), data[12 + size:]
                    return
            self._read(data, version, kind, size)
        except UnsupportedEntry:
            raise
        except (struct.error, ValueError) as error:
            raise MalformedMessage('An entry has an invalid header: %s.' % error)

    def _read(self, data, version, kind, size):
        self.kind, self.flags = kind & 15, kind & 240
        if version > NEWEST or (version and not (
            self.kind in (MESSAGE, GROUP, MEMBER) and self.flags & ~_FLAGS[version] == 0
        )):
            raise UnsupportedEntry('An entry has version %d and kind %d, which are not known.' % (version, kind))
        start = 12 + size
        label = data[12:start]
        if not version or len(label) != size:
            raise ValueError('version 0, or cut short')
        if self.flags & (BOUND | ENCRYPTED) == BOUND:
            raise ValueError('bound, but not encrypted')
        if self.flags & WHOLE and (self.kind != MESSAGE or not self.flags & IN_PIECES):
            raise ValueError('its body is to be in one string, which it does not refer to')
        if not _LABEL.match(label):
            raise ValueError('its label is not a name: %.100r' % (label,))
        self.label = label.decode('ascii')
        if self.kind != MESSAGE and not 0 < size < MAX_NAME_LENGTH:
            raise ValueError('its group has a name of %d characters' % size)
        if self.kind == GROUP:
            self.base, self.version, size = _MEMBERS.unpack_from(data, start)
            start += 20
            changes = data[start:start + size]
            if len(changes) != size:
                raise ValueError('the list of members is cut short')
            if not _CHANGES.match(changes):
                raise ValueError('the list of members is invalid: %.100r' % (changes,))
            self.changes = changes.decode('ascii').split(' ') if changes else ()
            start += size
        if len(data) - start > COPIED and not self.flags & ENCRYPTED:
            # It is read once, so it need not be copied for that.
            self.body = memoryview(data)[start:]
        else:
            self.body = data[start:]


def deadline_of(data):
    """Return the deadline (ms) of an entry's bytes; 0 if they are too short for one."""
    return _HEADER.unpack_from(data)[2] if len(data) >= _HEADER.size else 0


def is_in_pieces(data):
    """Return whether an entry's bytes, which Entry could read, only refer to its body."""
    return bool(ord(data[1:2]) & IN_PIECES)


def pack_reference(identifier, size, pieces):
    """Return the body of an entry whose message lies in pieces."""
    return _REFERENCE.pack(identifier.encode('ascii'), size, pieces)


def reference_of(entry):
    """Return the reference to pieces in an Entry, without what binds it."""
    return entry.body[:_REFERENCE.size] if entry.flags & BOUND else entry.body


def unpack_reference(body):
    """Return (identifier, size, pieces); raise MalformedMessage."""
    try:
        identifier, size, pieces = _REFERENCE.unpack(body)
        if not _IDENTIFIER.match(identifier):
            raise ValueError('its identifier is not 16 letters and digits')
        return identifier.decode('ascii'), size, pieces
    except (struct.error, ValueError) as error:
        raise MalformedMessage('A reference to pieces is invalid: %s.' % error)

"""
The bytes of an entry in a queue: a header that a script can read, a body.

Version (1 byte), kind (1), deadline (8, ms of the server's clock), size of
the label (2), label. The label is the client's name for a message to a ``!``
channel, and the group's name for one to a group. Numbers are unsigned and
big-endian.
"""
from __future__ import absolute_import

import struct

from ...exceptions import MalformedMessage

VERSION = 1

#: The low four bits of the kind: a message to one channel, or to a group's
#: members in one process.
MESSAGE, GROUP = 1, 2
#: Flags of the kind: the body is a reference to pieces; it is encrypted.
IN_PIECES, ENCRYPTED = 16, 32

#: Bytes of a body that are copied without a thought. A copy of much more
#: costs as much as everything else, since its memory comes from the system.
COPIED = 4096

_HEADER = struct.Struct('>BBQH')
_MEMBERS = struct.Struct('>QQL')
_REFERENCE = struct.Struct('>16sQL')


def pack_header(kind, deadline, label):
    """Return what comes before the body: numbers, and `label` (text)."""
    if not label:
        return _HEADER.pack(VERSION, kind, deadline, 0)
    label = label.encode('ascii')
    return _HEADER.pack(VERSION, kind, deadline, len(label)) + label


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
        """Read `data` (bytes); raise MalformedMessage."""
        try:
            version, kind, self.deadline, size = _HEADER.unpack_from(data)
            start = 12 + size
            self.label = data[12:start].decode('ascii')
            if version != VERSION or len(self.label) != size:
                raise ValueError('unknown version %d, or cut short' % version)
            self.kind, self.flags = kind & 15, kind & 240
            if self.kind == GROUP:
                self.base, self.version, size = _MEMBERS.unpack_from(data, start)
                start += 20
                changes = data[start:start + size].decode('ascii')
                if len(changes) != size:
                    raise ValueError('the list of members is cut short')
                self.changes = changes.split(' ') if changes else ()
                start += size
            elif self.kind != MESSAGE:
                raise ValueError('unknown kind %d' % kind)
        except (struct.error, ValueError) as error:
            raise MalformedMessage('An entry has a header that is none: %s.' % error)
        if len(data) - start > COPIED and not self.flags & ENCRYPTED:
            # It is read once, so it need not be copied for that.
            self.body = memoryview(data)[start:]
        else:
            self.body = data[start:]


def deadline_of(data):
    """Return the deadline (ms) of an entry's bytes; 0 if they are none."""
    return _HEADER.unpack_from(data)[2] if len(data) >= _HEADER.size else 0


def pack_reference(identifier, size, pieces):
    """Return the body of an entry whose message lies in pieces."""
    return _REFERENCE.pack(identifier.encode('ascii'), size, pieces)


def unpack_reference(body):
    """Return (identifier, size, pieces); raise MalformedMessage."""
    try:
        identifier, size, pieces = _REFERENCE.unpack(body)
        return identifier.decode('ascii'), size, pieces
    except (struct.error, ValueError) as error:
        raise MalformedMessage('A reference to pieces is none: %s.' % error)

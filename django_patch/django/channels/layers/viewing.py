"""
Large messages that are read where they came in.
"""
from __future__ import absolute_import, unicode_literals

from ..compat.text import joined
from . import codec

#: Bytes at a message's beginning among which a large content is looked for.
_HEAD = 4096
#: The same where it is looked for before it is read; all headers of a request
#: come before its body.
_LONG_HEAD = 16384


class LargeQuestion(bytes):
    """A packed command, sent by itself, whose reply a driver may return as Parted."""
    __slots__ = ()


class Parted(object):
    """
    A message as msgpack whose `content`, under the `key`, is bytes of its own.

    It has `number` keys; what is `before` the content and its head, and what
    is `after` it, are bytes.
    """
    __slots__ = ('number', 'key', 'before', 'content', 'after')

    def __init__(self, number, key, before, content, after):
        self.number, self.key, self.before, self.content, self.after = number, key, before, content, after

    def __len__(self):
        return len(self.before) + codec.LARGE_START.size + len(self.content) + len(self.after)

    def whole(self):
        """Return all of it as bytes."""
        return joined([self.before, codec.LARGE_START.pack(0xc6, len(self.content)), self.content, self.after])


def find_content(view, size, keys=('content', 'body'), most=_LONG_HEAD):
    """
    Return where a large content is in a message, or None.

    The message has `size` bytes, of which `view` has the first. That is
    (number of keys, the one of `keys` that it is under, start of its head,
    start, end); it is looked for in the first `most` bytes.
    """
    unpacker = codec.msgpack.Unpacker(raw=False, max_buffer_size=most, read_size=most)
    unpacker.feed(view[:most])
    try:
        number = unpacker.read_map_header()
        while True:
            key = unpacker.unpack()
            if key in keys:
                head = unpacker.tell()
                kind, length = codec.LARGE_START.unpack_from(view, head)
                start = head + codec.LARGE_START.size
                if kind == 0xc6 and length > codec.LARGE and start + length <= size:
                    return number, key, head, start, start + length
            unpacker.skip()
    except Exception:
        # These bytes may be anything. codec.decode() is to say what is wrong
        # with a message, if something is.
        return None


def decode_viewing(data):
    """As codec.decode(), but a large "content" is a view of `data`, which must not change any more."""
    if type(data) is Parted:
        return decode_parted(data)
    view = memoryview(data)
    found = find_content(view, len(view), ('content',), _HEAD)
    if found is None:
        return codec.decode(data)
    number, key, head, start, end = found
    message = _decode_around(number, view[:head].tobytes(), view[end:].tobytes())
    if message is None:
        return codec.decode(data)
    message[key] = view[start:end]
    return message


def decode_parted(data):
    """As codec.decode(), of what may be Parted: its content is that of the message."""
    if type(data) is not Parted:
        return codec.decode(data)
    message = _decode_around(data.number, data.before, data.after)
    if message is None:
        return codec.decode(data.whole())
    message[data.key] = data.content
    return message


def _decode_around(number, before, after):
    """Return the message of `number` keys without its content, or None if one of its keys comes twice."""
    message = codec.decode(before + b'\xc4\x00' + after)
    return message if len(message) == number else None

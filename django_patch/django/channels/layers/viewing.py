"""
Large messages that are read where they came in.
"""
from __future__ import absolute_import, unicode_literals

from . import codec

#: Bytes at a message's beginning among which a large content is looked for.
_HEAD = 4096


def decode_viewing(data):
    """As codec.decode(), but a large "content" is a view of `data`, which must not change any more."""
    view = memoryview(data)
    unpacker = codec.msgpack.Unpacker(raw=False, max_buffer_size=_HEAD, read_size=_HEAD)
    unpacker.feed(view[:_HEAD])
    try:
        number = unpacker.read_map_header()
        while unpacker.unpack() != 'content':
            unpacker.skip()
        start = unpacker.tell()
        kind, size = codec.LARGE_START.unpack_from(view, start)
    except Exception:
        # As with codec.decode(); it is to say what is wrong, if something is.
        return codec.decode(data)
    begin, end = start + codec.LARGE_START.size, start + codec.LARGE_START.size + size
    if kind != 0xc6 or size <= codec.LARGE or end > len(view):
        return codec.decode(data)
    message = codec.decode(view[:start].tobytes() + b'\xc4\x00' + view[end:].tobytes())
    if len(message) != number:
        # One of its keys comes twice.
        return codec.decode(data)
    message['content'] = view[begin:end]
    return message

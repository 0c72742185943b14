"""
Messages as msgpack: its release on each Python, and what it leaves to us.

Delete the half of Python 2 when its support ends.
"""
from __future__ import absolute_import

from . import six

__all__ = ['MSGPACK_REQUIREMENT', 'OLDEST_MSGPACK', 'is_simple', 'is_suspect', 'packed', 'with_text_keys']

#: What a list begins with, and all bytes that neither a list, a dict nor an
#: extension begins with, nor what is suspect. Nearly all responses have the
#: status 200, whose byte is that of an extension with a length of 16 bits: see
#: below.
_LISTS = bytes(bytearray(range(0x90, 0xa0))) + b'\xdc\xdd'
_HARMLESS = bytes(bytearray(set(range(256)).difference(
    range(0x80, 0xa0), [0xc7, 0xc9, 0xcf], range(0xd4, 0xd9), range(0xdc, 0xe0), [0xed])))
#: What such an extension begins with that isn't refused in any case: a time,
#: which has 12 bytes at most.
_TIME = b'\xc8\x00'
#: Lists that may lie in each other as far as is_simple() is concerned.
_FEW = 99


def is_simple(data):
    """
    Return whether msgpack `data` (bytes) surely has nothing but scalars and
    lists, none deep, in the one thing that it begins with.
    """
    # Each of these bytes may as well be in a string.
    rest = data.translate(None, _HARMLESS)
    return len(rest) <= _FEW and not rest[1:].translate(None, _LISTS) and data.find(_TIME) < 0


if six.PY2:
    # The last that is compiled there: from 1.0 on it is pure Python, and takes
    # several times as long.
    OLDEST_MSGPACK, MSGPACK_REQUIREMENT = (0, 6, 2), '"msgpack>=0.6.2,<1.0"'
    #: What an integer beyond 63 bits begins with, and half of a surrogate
    #: pair; other values may have it, too.
    _UINT64, _SURROGATE = b'\xcf', b'\xed'

    def packed(packer):
        """Return a view of what a Packer has packed; it can't go on before that is gone."""
        return memoryview(packer.bytes())

    def is_suspect(data):
        """Return whether the bytes `data` may have a value that no message has, though its type is good."""
        # The codec of UTF-8 lets half of a surrogate pair through.
        return _UINT64 in data or _SURROGATE in data

    def with_text_keys(message):
        """Return the dict `message` with text for native keys; itself if that can't be, or needn't."""
        if type(message) is not dict or bytes not in set(map(type, message)):
            return message
        try:
            return {six.text_type(key) if type(key) is bytes else key: value for key, value in message.items()}
        except UnicodeDecodeError:
            return message
else:
    #: The oldest release that will do, and what pip is asked for.
    OLDEST_MSGPACK, MSGPACK_REQUIREMENT = (1, 0), 'msgpack'
    #: What an integer beyond 63 bits begins with; other values may have it,
    #: too. A number: with bytes, "in" first raises and drops an error.
    _UINT64 = 0xcf

    def packed(packer):
        """Return a view of what a Packer has packed; it can't go on before that is gone."""
        return packer.getbuffer()

    def is_suspect(data):
        """Return whether the bytes `data` may have a value that no message has, though its type is good."""
        return _UINT64 in data

    # Native keys are text.
    with_text_keys = None

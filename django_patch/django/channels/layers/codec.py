"""
Messages as bytes and as text: msgpack for Redis, JSON for anything else.

Both are of the standards in docs/standards/. Neither can make its reader
execute anything. msgpack is optional until something asks for it.
"""
from __future__ import absolute_import, unicode_literals

import base64
import binascii
import json
import struct
import threading

from ..compat import six
from ..compat.packing import MSGPACK_REQUIREMENT, OLDEST_MSGPACK, is_simple, is_suspect, packed, with_text_keys
from ..compat.text import NATIVE_IS_BYTES, joined
from ..exceptions import MalformedMessage
from .validation import check_values, is_plain, plain_copy

try:
    import msgpack
except ImportError:
    msgpack = None

#: A packer's buffer never shrinks. One that grew beyond this is not kept, and
#: handed out as it is rather than copied.
_KEPT_BUFFER = 1 << 20

#: Bytes of a message's content from which on it isn't copied among the others.
LARGE = 96 << 10
_LARGE_TYPES = frozenset([bytes, six.text_type])

#: Bytes of a message up to which all are looked at before its values are.
_SMALL = 4096
_TEXT = frozenset([six.text_type])

#: Types of bytes in which that can be looked for.
_SEARCHABLE = (bytes, bytearray)

#: What bytes and text of that size begin with.
LARGE_START = struct.Struct('>BL')

_local = threading.local()


def require_msgpack():
    """Raise ImportError, with advice, unless msgpack is installed."""
    if msgpack is None or msgpack.version < OLDEST_MSGPACK:
        raise ImportError('The Redis channel layer needs msgpack %s or later. Install it with: pip install %s' % (
            '.'.join(map(str, OLDEST_MSGPACK)), MSGPACK_REQUIREMENT,
        ))


# msgpack

def encode(message):
    """
    Return the dict `message` as msgpack: bytes, or LargeBody if it is large.

    Raise TypeError, naming the place, for what no message can hold.
    """
    if NATIVE_IS_BYTES:
        message = with_text_keys(message)
    is_usual = type(message) is dict and is_plain(message)
    if is_usual:
        # An http.request has its content in "body".
        content = message.get('content') or message.get('body')
        if not NATIVE_IS_BYTES and type(content) in _LARGE_TYPES and len(content) > LARGE:
            return _encode_around(message, content)
    else:
        check_values(message, texts=NATIVE_IS_BYTES)
        if NATIVE_IS_BYTES:
            message = plain_copy(message)
    try:
        packer = _local.packer
    except AttributeError:
        packer = _local.packer = msgpack.Packer(use_bin_type=True, autoreset=False)
    try:
        packer.pack(message)
    except (TypeError, ValueError, OverflowError) as error:
        # Half of a surrogate pair, which the packer was left to find.
        del _local.packer
        check_values(message)
        six.raise_from(TypeError("A message can't hold one of its values: %s" % error), error)
    view = packed(packer)
    if len(view) > _KEPT_BUFFER:
        del _local.packer
        if is_usual:
            check_values(message, texts=NATIVE_IS_BYTES)
        return LargeBody([view], packer)
    data = view.tobytes()
    # A packer can't be used while someone views what it has.
    del view
    packer.reset()
    if is_usual and is_suspect(data):
        check_values(message, texts=NATIVE_IS_BYTES)
    return data


def _encode_around(message, content):
    """Return the LargeBody of a usual `message` that has the large `content`."""
    check_values(message, texts=False)
    packer = msgpack.Packer(use_bin_type=True)
    parts, before = [packer.pack_map_header(len(message))], None
    try:
        for key, value in message.items():
            parts.append(packer.pack(key))
            if value is content and before is None:
                kind = 0xc6
                if type(content) is not bytes:
                    kind, content = 0xdb, content.encode('utf-8')
                parts.append(LARGE_START.pack(kind, len(content)))
                before, parts = b''.join(parts), []
            else:
                parts.append(packer.pack(value))
    except (TypeError, ValueError, OverflowError) as error:
        # Half of a surrogate pair, which the packer was left to find.
        check_values(message)
        six.raise_from(TypeError("A message can't hold one of its values: %s" % error), error)
    return LargeBody([buffer for buffer in (before, content, b''.join(parts)) if buffer])


class LargeBody(object):
    """A large message as msgpack: `buffers`, a list of bytes and views, in the memory where they were made."""
    __slots__ = ('buffers', '_size', '_packer')

    def __init__(self, buffers, packer=None):
        self.buffers = buffers
        self._size = sum(map(len, buffers))
        # What a view shows is freed with it by releases of msgpack before 1.1.
        self._packer = packer

    def __len__(self):
        return self._size

    def slice(self, start, stop):
        """Return the buffers of its bytes from `start` to `stop`, a list."""
        found, position = [], 0
        for buffer in self.buffers:
            first, last = max(start - position, 0), min(stop - position, len(buffer))
            if first < last:
                part = memoryview(buffer)[first:last]
                found.append(part if self._packer is None else part.tobytes())
            position += len(buffer)
        return found


def whole(body):
    """Return what encode() returned as bytes."""
    return joined(body.buffers) if type(body) is LargeBody else body


def decode(data):
    """
    Return the message (dict) that `data`, bytes or a view of them, holds.

    Raise MalformedMessage for anything that encode() doesn't make.
    """
    try:
        message = msgpack.unpackb(data, raw=False, strict_map_key=True, ext_hook=_refuse_extension)
    except Exception as error:
        # These bytes may be anything, and so may what the parser raises.
        six.raise_from(MalformedMessage("The bytes of a message can't be read: %s" % error), error)
    if type(message) is not dict:
        raise MalformedMessage('A message must be a dict, not %.100r.' % (message,))
    if type(data) is bytes and len(data) < _SMALL and is_simple(data) and _TEXT.issuperset(map(type, message)):
        return message
    if type(data) in _SEARCHABLE and not is_suspect(data) and is_plain(message):
        return message
    try:
        # msgpack has keys and values that messages don't have.
        check_values(message, texts=NATIVE_IS_BYTES, keys=six.text_type)
    except TypeError as error:
        six.raise_from(MalformedMessage(six.text_type(error)), error)
    return message


def _refuse_extension(code, data):
    raise ValueError('extension type %d' % code)


# JSON

#: What a string begins with that isn't simply text; no Unicode text has it.
MARK = '\uffff'
_INFINITY = float('inf')


def to_json(message):
    """
    Return the dict `message` as JSON text.

    Bytes become MARK, "b" and base64; text that begins with MARK becomes
    MARK, "t" and the text, also where it is a key. Raise TypeError for what
    no message can hold.
    """
    check_values(message)
    try:
        return six.text_type(json.dumps(_boxed(message), allow_nan=False, separators=(',', ':')))
    except ValueError as error:
        six.raise_from(TypeError("A message can't hold one of its values: %s" % error), error)


def from_json(text):
    """Return the message that to_json() made `text` of, or raise MalformedMessage."""
    try:
        message = _unboxed(json.loads(text, parse_constant=_refuse_constant, parse_float=_finite))
        if not isinstance(message, dict):
            raise MalformedMessage('A message must be a dict, not %.100r.' % (message,))
        # JSON has numbers that messages don't have, and any depth.
        check_values(message, keys=six.text_type)
    except (ValueError, TypeError, RuntimeError) as error:
        six.raise_from(MalformedMessage("The JSON of a message can't be read: %s" % error), error)
    return message


def _refuse_constant(name):
    raise ValueError('%s is not JSON' % name)


def _finite(text):
    value = float(text)
    if value in (_INFINITY, -_INFINITY):
        raise ValueError('%.50s is beyond what a float holds' % text)
    return value


def _boxed(value):
    if isinstance(value, dict):
        return {_boxed_key(key): _boxed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_boxed(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return MARK + 'b' + base64.b64encode(bytes(value)).decode('ascii')
    if isinstance(value, six.text_type) and value.startswith(MARK):
        return MARK + 't' + value
    return value


def _boxed_key(key):
    # A native string of Python 2 is text here.
    return _boxed(key.decode('utf-8') if isinstance(key, bytes) else key)


def _unboxed(value):
    if isinstance(value, dict):
        return {_unboxed_key(key): _unboxed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unboxed(item) for item in value]
    if isinstance(value, six.text_type) and value.startswith(MARK):
        kind, rest = value[1:2], value[2:]
        if kind == 't':
            return rest
        if kind == 'b':
            return _from_base64(rest)
        raise ValueError('a string of kind %r' % kind)
    return value


def _unboxed_key(key):
    text = _unboxed(key)
    if not isinstance(text, six.text_type):
        raise ValueError('a key is a byte string')
    return text


def _from_base64(text):
    try:
        data = base64.b64decode(text.encode('ascii'))
    except (TypeError, binascii.Error) as error:
        raise ValueError('not Base64: %s' % error)
    # The decoder skips what it doesn't know.
    if base64.b64encode(data).decode('ascii') != text:
        raise ValueError('not Base64')
    return data

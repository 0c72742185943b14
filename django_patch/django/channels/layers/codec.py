"""
Messages as bytes and as text: msgpack for Redis, JSON for anything else.

Both are of the standards in docs/standards/. Neither can make its reader
execute anything. msgpack is optional until something asks for it.
"""
from __future__ import absolute_import, unicode_literals

import base64
import binascii
import json
import re
import threading

from ..compat import six
from ..exceptions import MalformedMessage

try:
    import msgpack
except ImportError:
    msgpack = None

#: How deep dicts and lists may lie in each other.
MAX_DEPTH = 100
#: A packer's buffer never shrinks. One that grew beyond this is not kept, and
#: handed out as it is rather than copied.
_KEPT_BUFFER = 1 << 20

_TEXT = frozenset([six.text_type])
_INTEGERS = frozenset(six.integer_types)
_SCALARS = frozenset([type(None), bool, float, bytes, six.text_type]) | _INTEGERS
#: The integers of a message; msgpack has more.
_LOWEST, _HIGHEST = -2 ** 63, 2 ** 63 - 1
#: What needs no look at its value.
_PLAIN = _SCALARS - _INTEGERS
_SUBCLASSES = tuple(_SCALARS) + (bytearray,)
_local = threading.local()


def require_msgpack():
    """Raise ImportError, with advice, unless msgpack is installed."""
    if msgpack is None or msgpack.version < (1, 0):
        raise ImportError('The Redis channel layer needs msgpack 1.0 or later. Install it with: pip install msgpack')


# msgpack

def encode(message):
    """
    Return the dict `message` as msgpack: bytes, or LargeBody if it is large.

    Raise TypeError, naming the place, for what no message can hold.
    """
    _check(message, None, 0)
    if six.PY2:
        message = _as_text_and_bytes(message)
    try:
        packer = _local.packer
    except AttributeError:
        packer = _local.packer = msgpack.Packer(use_bin_type=True, autoreset=False)
    try:
        packer.pack(message)
    except (TypeError, ValueError, OverflowError) as error:
        # An integer beyond 64 bits, or half of a surrogate pair.
        del _local.packer
        six.raise_from(TypeError("A message can't hold one of its values: %s" % error), error)
    view = packer.getbuffer()
    if len(view) > _KEPT_BUFFER:
        del _local.packer
        return LargeBody(view, packer)
    data = view.tobytes()
    # A packer can't be used while someone views what it has.
    del view
    packer.reset()
    return data


class LargeBody(object):
    """A large message as msgpack, in the memory where it was made."""
    __slots__ = ('view', '_packer')

    def __init__(self, view, packer):
        self.view = view
        # Releases of msgpack before 1.1 free what the view shows with it.
        self._packer = packer

    def __len__(self):
        return len(self.view)


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
    try:
        # msgpack has keys and values that messages don't have.
        _check(message, None, 0, keys=six.text_type)
    except TypeError as error:
        six.raise_from(MalformedMessage(six.text_type(error)), error)
    return message


def _refuse_extension(code, data):
    raise ValueError('extension type %d' % code)


def _check(value, path, depth, keys=(six.text_type, str)):
    if isinstance(value, dict):
        if not _TEXT.issuperset(map(type, value)):
            for key in value:
                if not isinstance(key, keys):
                    raise TypeError(
                        'The keys of a message must be text, not %s (%r%s).' % (type(key).__name__, key, _where(path))
                    )
        if not _PLAIN.issuperset(map(type, value.values())):
            _check_items(value.items(), path, depth, keys)
    elif isinstance(value, (list, tuple)):
        types = set(map(type, value))
        if types and _INTEGERS.issuperset(types):
            # Of many numbers it takes less time to look at two.
            _check_integer(min(value), path)
            _check_integer(max(value), path)
        elif not _PLAIN.issuperset(types):
            _check_items(enumerate(value), path, depth, keys)
    elif isinstance(value, six.integer_types):
        _check_integer(value, path)
    elif not isinstance(value, _SUBCLASSES):
        raise TypeError(
            "A message can't hold a %s (%r%s): use bytes, text, numbers, booleans, None, lists and dicts." %
            (type(value).__name__, value, _where(path))
        )
    if depth > MAX_DEPTH:
        raise TypeError("A message can't be nested deeper than %d levels." % MAX_DEPTH)


def _check_items(items, path, depth, keys):
    for key, item in items:
        if type(item) in _INTEGERS:
            _check_integer(item, (path, key))
        elif type(item) not in _PLAIN:
            _check(item, (path, key), depth + 1, keys)


def _check_integer(value, path):
    if not _LOWEST <= value <= _HIGHEST:
        raise TypeError("A message can't hold an integer beyond 64 bits with a sign (%r%s)." % (value, _where(path)))


def _where(path):
    keys = []
    while path is not None:
        path, key = path
        keys.append('[%s]' % (str(key) if isinstance(key, int) else "'%s'" % key))
    return ' at message' + ''.join(reversed(keys)) if keys else ''


def _as_text_and_bytes(value):
    # On Python 2 a native string is text where it is a key, else bytes.
    if isinstance(value, dict):
        return {
            key.decode('utf-8') if isinstance(key, bytes) else key: _as_text_and_bytes(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_as_text_and_bytes(item) for item in value]
    return value


# JSON

#: What a string begins with that isn't simply text; no Unicode text has it.
MARK = '\uffff'
_INFINITY = float('inf')
# One half of a surrogate pair without the other; some Pythons 2 have pairs.
_LONE_SURROGATE = re.compile('[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]')


def to_json(message):
    """
    Return the dict `message` as JSON text.

    Bytes become MARK, "b" and base64; text that begins with MARK becomes
    MARK, "t" and the text, also where it is a key. Raise TypeError for what
    no message can hold.
    """
    _check(message, None, 0)
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
        _check(message, None, 0, keys=six.text_type)
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


def is_lossless(message):
    """Return whether `message` comes out of JSON exactly as it went in."""
    try:
        return _same(from_json(to_json(message)), message)
    except (MalformedMessage, TypeError):
        return False


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
    if isinstance(value, six.text_type) and _LONE_SURROGATE.search(value):
        raise ValueError('a text has half of a surrogate pair')
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


def _same(first, second):
    if isinstance(second, tuple):
        second = list(second)
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return set(first) == set(second) and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(_same(*pair) for pair in zip(first, second))
    return first == second

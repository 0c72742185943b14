"""
The values that a message may hold: one check and one copy for all layers.

Every layer refuses the same messages with the same errors, whatever its
store could carry (the message standard, section 2.1).
"""
from __future__ import absolute_import

from ..compat import six
from ..compat.text import has_lone_surrogate, is_ascii, text_from_key

#: How deep dicts and lists may lie in each other.
MAX_DEPTH = 100
#: The integers of a message: 64 bits with a sign.
LOWEST_INTEGER, HIGHEST_INTEGER = -2 ** 63, 2 ** 63 - 1

# A global is found more quickly than an attribute.
_TEXT_TYPE = six.text_type
_TEXT = frozenset([_TEXT_TYPE])
_INTEGERS = frozenset(six.integer_types)
#: Types of which every value is good.
_ANY_VALUE = frozenset([type(None), bool, float, bytes])
_ANY_TEXT = _ANY_VALUE | _TEXT
_SCALARS = _ANY_TEXT | _INTEGERS
_SUBCLASSES = tuple(_SCALARS) + (bytearray,)
#: A native string is text where it is a key.
_KEYS = (six.text_type, str)


def is_plain(message):
    """
    Return whether nothing in the dict `message` is deep or of an unusual type.

    It consists of text keys, scalars, lists of these, and lists in those, such
    as headers, as nearly all messages do. What its numbers and texts are isn't
    looked at.
    """
    for key, item in message.items():
        if type(key) is not _TEXT_TYPE or type(item) not in _SCALARS and not _is_plain_list(item):
            return False
    return True


def _is_plain_list(value):
    if type(value) is not list:
        return False
    for item in value:
        if type(item) not in _SCALARS:
            if type(item) is not list:
                return False
            for part in item:
                if type(part) not in _SCALARS:
                    return False
    return True


def check_values(message, texts=True, keys=_KEYS):
    """
    Raise TypeError, naming the place, for what the dict `message` can't hold.

    `keys` are the types that its keys may have. Without `texts`, leave it to
    an encoder to find text that isn't Unicode: it has to look at it anyway.
    """
    if not texts:
        try:
            _check(message, None, 0, _ANY_TEXT, keys)
            return
        except TypeError:
            # The first mistake is told, and that may be a text.
            pass
    _check(message, None, 0, _ANY_VALUE, keys)


def copy_message(message):
    """
    Return a copy of a message that shares nothing that can be changed.

    Lists and tuples become lists and subclasses what they stand for, as on
    their way through a store. Raise TypeError for what no message can hold.
    """
    try:
        return _copy(message, 0)
    except _Unusual:
        check_values(message)
        return plain_copy(message)


class _Unusual(Exception):
    """Raised for what needs a longer look, and may be wrong."""


# complexity: one branch for each type of JSON. A table of functions takes a
# call for each value, and 1.8 to 2.3 times as long for a request or a frame.
def _copy(value, depth):
    """Check and copy at once what nearly all messages consist of."""
    kind = type(value)
    if depth > MAX_DEPTH:
        raise _Unusual
    if kind is dict:
        copy = value.copy()
        for key, item in value.items():
            if type(key) is not _TEXT_TYPE or not is_ascii(key):
                raise _Unusual
            kind = type(item)
            if kind is _TEXT_TYPE:
                if not is_ascii(item) and has_lone_surrogate(item):
                    raise _Unusual
            elif kind in _INTEGERS:
                if not LOWEST_INTEGER <= item <= HIGHEST_INTEGER:
                    raise _Unusual
            elif kind not in _ANY_VALUE:
                copy[key] = _copy(item, depth + 1)
        return copy
    if kind is list or kind is tuple:
        if _ANY_VALUE.issuperset(map(type, value)):
            return list(value)
        return [_copy(item, depth + 1) for item in value]
    if kind is _TEXT_TYPE and not has_lone_surrogate(value):
        return value
    if kind in _INTEGERS and LOWEST_INTEGER <= value <= HIGHEST_INTEGER or kind in _ANY_VALUE:
        return value
    raise _Unusual


def _check(value, path, depth, any_value, keys):
    if depth > MAX_DEPTH:
        raise TypeError("A message can't be nested deeper than %d levels." % MAX_DEPTH)
    if isinstance(value, dict):
        if any_value is _ANY_VALUE or not _TEXT.issuperset(map(type, value)):
            _check_keys(value, path, keys)
        if not any_value.issuperset(map(type, value.values())):
            _check_items(value.items(), path, depth, any_value, keys)
    elif isinstance(value, (list, tuple)):
        types = set(map(type, value))
        if types and _INTEGERS.issuperset(types):
            # Of many numbers it takes less time to look at two.
            _check_integer(min(value), path)
            _check_integer(max(value), path)
        elif not any_value.issuperset(types):
            _check_items(enumerate(value), path, depth, any_value, keys)
    elif isinstance(value, _TEXT_TYPE):
        if has_lone_surrogate(value):
            raise TypeError("A message can't hold half of a surrogate pair (%r%s)." % (value, _where(path)))
    elif isinstance(value, six.integer_types):
        _check_integer(value, path)
    elif not isinstance(value, _SUBCLASSES):
        raise TypeError(
            "A message can't hold a %s (%r%s): use bytes, text, numbers, booleans, None, lists and dicts." %
            (type(value).__name__, value, _where(path))
        )


def _check_keys(value, path, keys):
    for key in value:
        if type(key) is _TEXT_TYPE:
            if has_lone_surrogate(key):
                raise TypeError("A message can't hold half of a surrogate pair (%r%s)." % (key, _where(path)))
        elif not isinstance(key, keys) or text_from_key(key) is None:
            raise TypeError(
                'The keys of a message must be text, not %s (%r%s).' % (type(key).__name__, key, _where(path))
            )


def _check_items(items, path, depth, any_value, keys):
    for key, item in items:
        kind = type(item)
        if kind is _TEXT_TYPE:
            if any_value is _ANY_VALUE and has_lone_surrogate(item):
                _check(item, (path, key), 0, any_value, keys)
        elif kind in _INTEGERS:
            if not LOWEST_INTEGER <= item <= HIGHEST_INTEGER:
                _check_integer(item, (path, key))
        elif kind is list and depth < MAX_DEPTH and any_value.issuperset(map(type, item)):
            # Headers are many such lists.
            continue
        elif kind not in any_value:
            is_nested = isinstance(item, (dict, list, tuple))
            _check(item, (path, key), depth + is_nested, any_value, keys)


def _check_integer(value, path):
    if not LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
        raise TypeError("A message can't hold an integer beyond 64 bits with a sign (%r%s)." % (value, _where(path)))


def _where(path):
    keys = []
    while path is not None:
        path, key = path
        # A native string of Python 2 is text here.
        keys.append('[%d]' % key if isinstance(key, int) else "['%s']" % text_from_key(key))
    return ' at message' + ''.join(reversed(keys)) if keys else ''


def plain_copy(value):
    """As copy_message(), of a message that has been checked."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, dict):
        if not _TEXT.issuperset(map(type, value)):
            return {text_from_key(key): plain_copy(item) for key, item in value.items()}
        copy = dict(value)
        if not _SCALARS.issuperset(map(type, copy.values())):
            for key, item in value.items():
                if type(item) not in _SCALARS:
                    copy[key] = plain_copy(item)
        return copy
    if isinstance(value, (list, tuple)):
        if _SCALARS.issuperset(map(type, value)):
            return list(value)
        return [plain_copy(item) for item in value]
    if isinstance(value, _TEXT_TYPE):
        # str() of a SafeText is the same SafeText.
        return _TEXT_TYPE().join((value,))
    for plain in (bool, float) + six.integer_types:
        if isinstance(value, plain):
            return plain(value)
    return bytes(value)

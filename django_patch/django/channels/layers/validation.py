"""
Copies of messages, for layers and tests inside one process.
"""
from __future__ import absolute_import

from ..compat import six

_TEXT = (six.text_type, str)
_KEYS = frozenset(_TEXT)
_IMMUTABLE = frozenset([type(None), bool, float, bytes, six.text_type] + list(six.integer_types))


def copy_message(value):
    """
    Return a copy of a message that shares nothing that can be changed.

    Lists and tuples become lists, as they would on their way through a
    store. Raise TypeError for a key or a value that no message can hold.
    """
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind is dict or isinstance(value, dict):
        copy = value.copy() if kind is dict else dict(value)
        for key, item in value.items():
            if type(key) not in _KEYS:
                _check_key(key)
            if type(item) not in _IMMUTABLE:
                copy[key] = copy_message(item)
        return copy
    if isinstance(value, (list, tuple)):
        return [copy_message(item) for item in value]
    if isinstance(value, six.string_types):
        # A subclass, such as SafeText, travels as what it stands for.
        return six.text_type(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, six.integer_types):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise TypeError(
        "A message can't hold a %s (%r): use bytes, text, numbers, booleans, None, lists and dicts." %
        (kind.__name__, value)
    )


def _check_key(key):
    if not isinstance(key, _TEXT):
        raise TypeError('The keys of a message must be text, not %s (%r).' % (type(key).__name__, key))

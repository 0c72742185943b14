"""How a case is written, run, and put into words that JSON has."""
from __future__ import absolute_import, unicode_literals

import collections
import traceback

#: Name -> function without arguments, in the order of their definition.
CASES = collections.OrderedDict()

#: What stands for text, whichever Python runs.
TEXT = (type(''), str)


def case(name):
    """Make the function below a case called `name`: what it returns, or raises, is its outcome."""
    def decorator(function):
        if name in CASES:
            raise ValueError('There are two cases called %r.' % name)
        CASES[name] = function
        return function
    return decorator


def cases(prefix, table):
    """Make a case of each item of `table`, a dict of name -> function."""
    for name, function in sorted(table.items()):
        case('%s: %s' % (prefix, name))(function)


def attempt(function, *args, **kwargs):
    """Return the outcome of a call as a dict, for cases that make several."""
    try:
        return {'returned': plain(function(*args, **kwargs))}
    except Exception as error:
        return {'raised': ancestors(type(error))}


def ancestors(kind):
    """Return the names of an exception's class and of those it derives from, without the common roots."""
    return [base.__name__ for base in kind.__mro__ if base not in (Exception, BaseException, object)]


def run(function):
    """Return the outcome of a case; under 'trace' is why, for who reads a failure."""
    try:
        return {'returned': plain(function())}
    except Exception as error:
        return {'raised': ancestors(type(error)), 'trace': traceback.format_exc().strip().splitlines()[-3:]}


def plain(value):
    """Return `value` as JSON can hold it, the same on both Pythons."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, bytes) and not isinstance(value, str):
        return 'bytes: ' + value.decode('latin-1')
    if isinstance(value, TEXT):
        return value if isinstance(value, type('')) else value.decode('latin-1')
    if isinstance(value, dict):
        return {key if isinstance(key, type('')) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)) or type(value).__name__ in ('dict_keys', 'dict_values', 'dict_items'):
        return [plain(item) for item in value]
    if isinstance(value, type):
        return 'class ' + value.__name__
    if type(value).__name__ in ('Channel', 'Group'):
        return '%s %s' % (type(value).__name__, value.name)
    if type(value).__name__ == 'Message':
        return {'message on': value.channel.name, 'content': plain(value.content)}
    if callable(value) and hasattr(value, '__name__'):
        return 'function ' + value.__name__
    return 'object of ' + type(value).__name__

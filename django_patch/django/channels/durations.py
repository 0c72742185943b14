"""
Checks of durations and times, of which every store holds a limited range.
"""
from __future__ import absolute_import

from .compat import six

__all__ = ['MAX_SECONDS', 'checked_number_of_seconds', 'checked_seconds']

#: Nearly three centuries. Threads wait for 2 ** 63 nanoseconds at most, and
#: Lua has all integers up to 2 ** 53: milliseconds, the time of day added.
MAX_SECONDS = 9 * 10 ** 9


def checked_seconds(name, value):
    """
    Return `value`, a number of seconds above 0 and up to MAX_SECONDS.

    Raise ValueError, which calls it `name`, for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, six.integer_types + (float,)) or not 0 < value <= MAX_SECONDS:
        raise ValueError(
            '%s must be a number of seconds above 0 and up to %d, not %r.' % (name, MAX_SECONDS, value))
    return value


def checked_number_of_seconds(name, value):
    """
    Return `value`, any number of seconds up to MAX_SECONDS, as a float.

    It may be negative. Raise ValueError, which calls it `name`, for anything
    else, such as a datetime.
    """
    try:
        seconds = None if isinstance(value, (bool, bytes, six.text_type)) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = None
    # What is not a number isn't smaller than anything.
    if seconds is None or not abs(seconds) <= MAX_SECONDS:
        raise ValueError('%s must be a number of seconds, %d at most, not %r.' % (name, MAX_SECONDS, value))
    return seconds

"""
Checks of what a job is sent with, the same for all layers.

A consumer's job is sent when the consumer has ended: what is wrong with it has
to be said before, where it is asked for.
"""
from __future__ import absolute_import, unicode_literals

from ..compat import six
from ..compat.text import has_lone_surrogate
from ..durations import checked_number_of_seconds
from ..names import validate_job_id
from .acknowledgement import HIGHEST_PRIORITY, LOWEST_PRIORITY, REFUSE, REPLACE, new_job_id

#: Bytes of a unique key at most; the record of a job has two for their number.
MAX_UNIQUE = 65535


def checked_id(id):
    """Return `id`, or a new one for None; raise TypeError or ValueError unless it is one."""
    return new_job_id() if id is None else validate_job_id(id)


def checked_times(delay, at):
    """
    Return (delay, at), of send_job(), as floats; None for what isn't given.

    Raise ValueError if both are, and for what isn't a number of seconds.
    """
    if delay is not None and at is not None:
        raise ValueError('A job is sent with a delay or for a time, not with both.')
    return (
        None if delay is None else checked_number_of_seconds('delay', delay),
        None if at is None else checked_number_of_seconds('at', at),
    )


def checked_priority(priority):
    """Return `priority`; raise ValueError unless it is a whole number from -100 to 100."""
    if not isinstance(priority, six.integer_types) or not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        raise ValueError('A priority is a whole number from -100 to 100, not %r.' % (priority,))
    return priority


def checked_unique(unique, conflict):
    """Return `unique`, None if it is empty; raise ValueError unless it is text and `conflict` is known."""
    if conflict not in (REFUSE, REPLACE):
        raise ValueError("conflict must be 'refuse' or 'replace', not %r." % (conflict,))
    if not unique and isinstance(unique, (type(None), six.text_type, str)):
        return None
    if not isinstance(unique, (six.text_type, str)):
        raise ValueError('unique must be text, not %r.' % (unique,))
    if isinstance(unique, six.text_type) and has_lone_surrogate(unique):
        raise ValueError("unique can't hold half of a surrogate pair: %r." % (unique,))
    size = len(unique.encode('utf-8') if isinstance(unique, six.text_type) else unique)
    if size > MAX_UNIQUE:
        raise ValueError('unique may have %d bytes (UTF-8), not %d: use a digest of it.' % (MAX_UNIQUE, size))
    return unique


def check_job(id=None, delay=None, at=None, priority=0, unique=None, conflict=REFUSE):
    """Raise TypeError or ValueError for the first of these, of send_job(), that is wrong."""
    checked_id(id)
    checked_times(delay, at)
    checked_priority(priority)
    checked_unique(unique, conflict)

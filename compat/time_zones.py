"""
Time zones by name: zoneinfo of Python 3.9 and later, pytz before.
"""
from __future__ import absolute_import

import datetime

try:
    from zoneinfo import ZoneInfo
except ImportError:
    ZoneInfo = None

__all__ = ['UTC', 'named_zone']

if hasattr(datetime, 'timezone'):
    UTC = datetime.timezone.utc
else:
    from django.utils.timezone import utc as UTC


def named_zone(name):
    """
    Return the tzinfo of `name`, such as 'Europe/Berlin'.

    Raise ValueError if it isn't known, saying what to install where that may
    be why.
    """
    if ZoneInfo is not None:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError('There is no time zone %r here (%s). Where the system has none at all: '
                             '"pip install tzdata".' % (name, error))
    try:
        import pytz
    except ImportError:
        raise ValueError('Time zones by name need pytz on this Python: "pip install pytz".')
    try:
        return pytz.timezone(name)
    except pytz.UnknownTimeZoneError:
        raise ValueError('There is no time zone %r.' % name)

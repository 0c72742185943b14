"""
Times of a line as cron has them, in a time zone.

The croniter library reads the line, on clocks that are never set: what it
says of the nights in which they are differs by its version. Here a time that
is skipped is as many hours after the one before as on any day, and one that
comes twice counts once, unless the line names no hour (``*`` or ``*/2``).
"""
from __future__ import absolute_import, unicode_literals

import datetime
import time

from ..compat.time_zones import UTC

#: What croniter takes beside five fields, and what it stands for.
_NAMED = {
    '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@weekly': '0 0 * * 0',
    '@monthly': '0 0 1 * *', '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *',
}
_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = datetime.timedelta(days=1)
#: More than any clock is set at once, but where a country changes its side of
#: the date line, and less than there is from one time that it is set to the
#: next.
_MARGIN = datetime.timedelta(hours=3)


class CronLine(object):
    """
    The times of `line`, five fields as in a crontab, in `zone`, a tzinfo.

    Raise ValueError, saying why, for any other line, and for one without a
    time to come; ImportError, with what to install, where croniter is missing.
    """

    def __init__(self, line, zone):
        self._croniter = _croniter()
        self._fields = _NAMED.get(line.strip().lower(), line).split()
        self._zone = zone
        if len(self._fields) != 5:
            raise ValueError('%r doesn\'t have five fields: minute, hour, day of the month, month, day of the week.' %
                             (line,))
        for field in self._fields:
            if any(part[:1] in 'hHrR' and part[1:2] in ('', '(') for part in field.replace('/', ',').split(',')):
                # Each process would have other times.
                raise ValueError('%r has a field of chance, %s.' % (line, field))
        self._names_no_hour = self._fields[1].startswith('*')
        try:
            self.next_after(time.time())
        except (ValueError, KeyError) as error:
            raise ValueError('%r has no times: %s.' % (line, error))

    def next_after(self, moment):
        """Return the first time after `moment`, both in seconds since 1970."""
        moment = _EPOCH + datetime.timedelta(seconds=moment)
        offset = self._offset(moment)
        wall = next(self._walls(moment + offset))
        found = wall - self._offset(wall - offset)
        # Clocks are set near it, or by so much that they never show it.
        if self._local(found) != wall or self._is_near_a_change(moment, found):
            found = self._next_near_a_change(moment)
        return (found - _EPOCH).total_seconds()

    def _is_near_a_change(self, *moments):
        return len({self._offset(when) for near in moments for when in (near - _MARGIN, near + _MARGIN)}) > 1

    def _next_near_a_change(self, moment):
        found = None
        for wall in self._walls(self._local(moment) - _MARGIN):
            if found is not None and wall > self._local(found) + _MARGIN:
                return found
            for time_of_it in self._moments(wall):
                if time_of_it > moment and (found is None or time_of_it < found):
                    found = time_of_it

    def _walls(self, start):
        """Yield the times of the line after `start`, as a clock shows them."""
        times = self._croniter(' '.join(self._fields), start)
        while True:
            yield times.get_next(datetime.datetime)

    def _moments(self, wall):
        """Return the times (UTC) at which the line means what the clocks show as `wall`."""
        # As they differ from UTC before, and after, if they are set near it.
        offsets = [self._offset(wall - _DAY), self._offset(wall + _DAY)]
        times = sorted({wall - offset for offset in offsets if self._local(wall - offset) == wall})
        if not times:
            return [] if self._names_no_hour else [wall - offsets[0]]
        return times if self._names_no_hour else times[:1]

    def _local(self, moment):
        return moment.replace(tzinfo=UTC).astimezone(self._zone).replace(tzinfo=None)

    def _offset(self, moment):
        return self._local(moment) - moment


def _croniter():
    try:
        from croniter import croniter
    except ImportError:
        raise ImportError('CHANNEL_SCHEDULES needs croniter for its cron lines: "pip install croniter".')
    return croniter

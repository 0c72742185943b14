"""
Rows of schedules, as a terminal and the admin show them.
"""
from __future__ import absolute_import, unicode_literals

from ..conf import conf


def schedule_rows(layer, alias, now):
    """
    Return a list of dicts about the schedules of `layer`, named `alias`.

    Each has `name`, `sends` (a task or a channel), `next` (the first run
    after `now`) and `last` (when the last run was sent, or None), in seconds
    since 1970. Raise TypeError, ValueError or ImportError if CHANNEL_SCHEDULES
    can't be used, and LayerUnavailable.
    """
    if not conf.schedules:
        return []
    # What a project without schedules need not load.
    from ..schedules.firing import last_run
    from ..schedules.table import schedules_of
    rows = []
    for schedule in schedules_of(alias):
        last = last_run(layer, schedule.name)
        rows.append({
            'name': schedule.name, 'sends': schedule.task or schedule.channel, 'next': schedule.next_after(now),
            'last': None if last is None else last['sent'],
        })
    return rows

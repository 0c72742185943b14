"""
The overview of a layer that the admin's page and its socket show.
"""
from __future__ import absolute_import, division, unicode_literals

import datetime
import time
import weakref

from django.template.loader import render_to_string
from django.utils import timezone

from ..compat.clock import monotonic
from ..exceptions import ChannelsError
from ..names import validate_group_name
from . import history
from .process_rows import process_rows
from .schedule_rows import schedule_rows
from .snapshot import Snapshot
from .wording import counted, sentences

#: Rows of a table; the page says how many more there are.
MAX_ROWS = 200
#: Seconds that looking for channels may take, and once more for groups; an
#: open page looks every two seconds.
BUDGET = 0.2
#: Width and height of a curve, and the seconds that its width stands for.
WIDTH, HEIGHT, SPAN = 120, 24, history.INTERVAL * history.SAMPLES

#: The admin sites that have the pages, and the attribute of a view that has
#: its site.
sites, SITE = weakref.WeakSet(), 'channels_admin_site'

VIEW, CHANGE = 'channels_monitoring.view_channels', 'channels_monitoring.change_channels'


def may(user, permission):
    """Return whether `user` may do in the admin what VIEW or CHANGE says; who may change may also look."""
    return user.is_active and user.is_staff and (user.has_perm(permission) or user.has_perm(CHANGE))


def collect(layer, alias, namespace='admin'):
    """
    Return a dict of what the template shows of `layer`, whose name is `alias`.

    `namespace` is that of the admin site that its links lead to.

    It takes a sample for the history as well. A layer that can't be reached
    or looked into gives an `error`, a text.
    """
    shown = {
        'alias': alias, 'layer': layer, 'now': timezone.now(), 'channels': [], 'groups': [], 'servers': [],
        'links': {name: '%s:channels_monitoring_%s' % (namespace, name) for name in ('channel', 'group', 'jobs')},
    }
    if not layer.supports_inspection:
        return dict(shown, error='This channel layer can\'t say what it holds.')
    try:
        snapshot = Snapshot(layer, monotonic(), budget=BUDGET)
    except ChannelsError as error:
        return dict(shown, error='The channel layer can\'t be reached: %s' % error)
    points = curves(layer)
    names = sorted(snapshot.channels, key=lambda name: (
        -snapshot.channels[name]['messages_pending'], -snapshot.channels[name]['messages_max_age'], name,
    ))
    workers, programs, others = process_rows(snapshot.processes or (), time.time())
    groups = sorted(snapshot.groups.items(), key=lambda item: (-item[1], item[0]))
    channels = [channel_row(name, snapshot.channels[name], points.get(name, [])) for name in names[:MAX_ROWS]]
    return dict(
        shown, summary=summary(snapshot, workers, programs), absent=sentences(snapshot.absent), channels=channels,
        schedules=_schedules(layer, alias),
        acknowledged=[row for row in channels if row['is_acknowledged']],
        more_channels=max(0, len(names) - MAX_ROWS),
        groups=[{'name': name, 'members': number, 'has_page': _has_page(name)} for name, number in groups[:MAX_ROWS]],
        more_groups=max(0, len(groups) - MAX_ROWS),
        servers=[dict(server, megabytes=_megabytes(server['memory']), limit=_megabytes(server['memory_limit']))
                 for server in snapshot.servers],
        workers=workers[:MAX_ROWS], more_workers=max(0, len(workers) - MAX_ROWS),
        programs=(programs + others)[:MAX_ROWS], more_programs=max(0, len(programs + others) - MAX_ROWS),
        lists_processes=snapshot.processes is not None, is_complete=snapshot.channels.is_complete,
        groups_missing=0 if snapshot.groups.is_complete else snapshot.groups.total - len(snapshot.groups),
    )


def summary(snapshot, workers, programs):
    """Return a list of texts that say in short what `snapshot` has, with the rows of process_rows()."""
    channels = snapshot.channels.values()

    def number(key):
        return sum(numbers.get(key, 0) for numbers in channels)

    waiting, oldest = number('messages_pending'), max([numbers['messages_max_age'] for numbers in channels] or [0])
    texts = ['%s %s' % (counted(waiting, 'message'), 'waits' if waiting == 1 else 'wait')]
    if waiting:
        texts[0] += ', the oldest for %.1f s' % oldest
    if any('held' in numbers for numbers in channels):
        texts.append('%s in progress, %d due later' % (counted(number('held'), 'job'), number('later')))
        texts.append(counted(number('dead_letters'), 'dead letter'))
    for rows, noun in ((workers, 'worker'), (programs, 'interface server')):
        if rows:
            texts.append('%s alive' % counted(sum(row['state'] != 'dead' for row in rows), noun))
    return texts


def curves(layer):
    """Return what history.curves() does, with a point of now if it is time for one, as far as the layer answers."""
    try:
        history.record(layer)
    except ChannelsError:
        # It has a gap then.
        pass
    try:
        return history.curves(layer)
    except ChannelsError:
        # The server that holds it is away, and is named.
        return {}


def _megabytes(number):
    # Where the server doesn't tell, the table has what it has for nothing.
    return None if number is None else number / 1e6


def _schedules(layer, alias):
    try:
        rows = schedule_rows(layer, alias, time.time())
    except (ChannelsError, TypeError, ValueError, ImportError):
        # System checks say what is wrong with them.
        return []
    for row in rows:
        for key in ('next', 'last'):
            row[key] = None if row[key] is None else datetime.datetime.fromtimestamp(row[key])
    return rows


def channel_row(name, numbers, points):
    """Return a dict of what is shown of a channel, `points` being its curve of the last hour."""
    last = points[-1] if points else {}
    return dict(
        numbers, name=name, in_rate=last.get('in_rate'), out_rate=last.get('out_rate'),
        curve=polyline([(point['time'], point['pending']) for point in points]),
        most=max([point['pending'] for point in points] or [0]),
        has_page=_has_page(name), is_acknowledged='dead_letters' in numbers,
    )


def _has_page(name):
    # The page of a channel is about one queue, and those with an ! or a ? at
    # their end are many. Another program may have written what is no name.
    try:
        return bool(validate_group_name(name))
    except ValueError:
        return False


def polyline(points):
    """
    Return `points`, [(seconds, number), ...], as those of an SVG polyline.

    The last is at the right, an hour before it is the left edge; the largest
    number is at the top, 0 at the bottom. '' if there are fewer than two.
    """
    if len(points) < 2:
        return ''
    top, last = max(value for seconds, value in points) or 1, points[-1][0]
    return ' '.join(
        '%.1f,%.1f' % (max(0, WIDTH - (last - seconds) * WIDTH / SPAN), HEIGHT - 1 - value * (HEIGHT - 2) / top)
        for seconds, value in points
    )


def fragment(layer, alias, namespace='admin'):
    """Return the tables as HTML text."""
    return render_to_string('channels_monitoring/tables.html', collect(layer, alias, namespace))

"""
Tables of text in which `manage.py channels` shows a Snapshot.
"""
from __future__ import absolute_import, division, unicode_literals

import textwrap
import time

from ..monitoring.process_rows import duration, process_rows
from ..monitoring.wording import sentences

#: The columns of the table of channels: (heading, key of the numbers, digits).
COLUMNS = (
    ('pending', 'messages_pending', 0), ('oldest, s', 'messages_max_age', 1), ('in/s', 'in_rate', 1),
    ('out/s', 'out_rate', 1), ('sent', 'messages_count', 0), ('full', 'channel_full_count', 0),
    ('expired', 'expired_count', 0), ('dropped', 'dropped_count', 0), ('lost', 'lost_count', 0),
    ('malformed', 'malformed_count', 0), ('unsupported', 'unsupported_count', 0),
)
#: The columns of that of acknowledged channels, the same way, those first that
#: a narrow terminal has room for.
OF_ACKNOWLEDGED = (
    ('dead letters', 'dead_letters', 0), ('later', 'later', 0), ('in progress', 'held', 0), ('retried', 'retried', 0),
    ('requeued', 'given_back', 0), ('dead', 'dead', 0),
)
#: Channels and groups that a table shows; --all shows the rest.
MAX_ROWS = 40
#: What is tried, one after the other, where a terminal has too few lines.
FEWER_ROWS = (20, 12, 8, 5, 3, 2)
#: No name is made shorter than this, however narrow the terminal; of a text at
#: the edge so much is shown, or nothing.
MIN_NAME, MIN_TEXT = 16, 8
#: What tells of columns that have no room.
MORE = ' >'


def render(snapshot, layer, everything=False):
    """Return the lines of text that `status` shows."""
    return _render(snapshot, layer, None if everything else MAX_ROWS, 0)


def fitted(snapshot, layer, everything, rows, columns):
    """
    Return the lines that `watch` shows in so many rows and columns, 0: any.

    Each table has fewer lines where all of them have no room, and long names
    lose their middle, so that their numbers are seen.
    """
    lines = _render(snapshot, layer, None if everything else MAX_ROWS, columns)
    for number in () if everything or not rows else FEWER_ROWS:
        # The cursor stands below the last.
        if len(lines) < rows:
            break
        lines = _render(snapshot, layer, number, columns)
    return lines


def wrapped(text, width):
    """Return the lines of a sentence on a screen of that width; 0 or None is one that isn't known."""
    return textwrap.wrap(text, width) if width else [text]


def _render(snapshot, layer, most, width):
    lines = wrapped('Channel layer %s' % layer, width) + ['']
    for text in sentences(snapshot.absent):
        lines += wrapped('%s. What it holds is missing below.' % text, width) + ['']
    lines += _servers(snapshot.servers, width)
    lines += _channels(snapshot.channels, most, width)
    lines += [''] + _groups(snapshot.groups, most, width)
    if not snapshot.groups.is_complete:
        lines += wrapped('(%d of at most %d groups were looked at: --all)' % (
            len(snapshot.groups), snapshot.groups.total), width)
    if not snapshot.channels.is_complete:
        lines += wrapped('(There was no time to find all channels with ! and ?: --all)', width)
    if snapshot.processes is not None:
        lines += _processes(snapshot.processes, most, width)
    return lines


def _servers(servers, width):
    if not servers:
        return []
    table = [['server', 'version', 'memory', 'limit', 'when it is full', 'latency, ms']]
    for server in servers:
        table.append([
            server['server'], server['version'], _bytes(server['memory']),
            'none' if server['memory_limit'] == 0 else _bytes(server['memory_limit']), server['policy'],
            '%.2f' % server['latency'],
        ])
    return _align(table, left=(0, 4), width=width) + ['']


def _channels(channels, most, width):
    # What waits longest comes first.
    names = sorted(channels, key=lambda name: (
        -channels[name]['messages_pending'], -channels[name]['messages_max_age'], name,
    ))
    shown = names[:most]
    if not names:
        return ['No message has been sent yet.']
    lines = _of_channels('channel', COLUMNS, shown, channels, width) + _more(len(names) - len(shown), 'channels')
    # Where somebody has to decide comes first here.
    acknowledged = sorted(
        (name for name in names if 'held' in channels[name]), key=lambda name: -channels[name]['dead_letters'])
    if acknowledged:
        lines += [''] + _of_channels('acknowledged channel', OF_ACKNOWLEDGED, acknowledged[:most], channels, width)
        lines += _more(len(acknowledged[most:]) if most else 0, 'acknowledged channels')
    return lines


def _of_channels(title, columns, names, channels, width):
    table = [[title] + [heading for heading, key, digits in columns]]
    for name in names:
        numbers = channels[name]
        table.append([name] + [
            '-' if numbers.get(key) is None else '%.*f' % (digits, numbers[key]) for heading, key, digits in columns
        ])
    return _align(table, width=width)


def _groups(groups, most, width):
    if not groups:
        return ['No group has members.']
    names = sorted(groups, key=lambda name: (-groups[name], name))
    shown = names[:most]
    table = [['group', 'members']] + [[name, '%d' % groups[name]] for name in shown]
    return _align(table, width=width) + _more(len(names) - len(shown), 'groups')


def _processes(processes, most, width):
    workers, servers, others = process_rows(processes, time.time())
    lines = ['']
    lines += _table(workers, [
        ('worker', 'where'), ('state', 'state'), ('version', 'version'), ('up', 'up'), ('threads', 'threads'),
        ('tasks', 'tasks'), ('running', 'running'), ('longest', None),
    ], 'workers', most, width) if workers else ['No worker says that it is alive.']
    if servers:
        lines += [''] + _table(servers, [
            ('interface server', 'where'), ('state', 'state'), ('version', 'version'), ('up', 'up'),
            ('sockets', 'sockets'), ('requests', 'requests'),
        ], 'servers', most, width)
    if others:
        lines += [''] + _table(others, [
            ('process', 'where'), ('state', 'state'), ('version', 'version'), ('up', 'up'), ('kind', 'kind'),
        ], 'processes', most, width)
    return lines


def _table(rows, columns, what, most, width):
    shown = rows[:most]
    table = [[heading for heading, key in columns]]
    for row in shown:
        table.append([_cell(row, key) for heading, key in columns])
    return _align(table, left=(0, 1, len(columns) - 1), width=width) + _more(len(rows) - len(shown), what)


def _cell(row, key):
    if key is None:
        # What it does, the longest of it.
        return ''.join('%s on %s for %.1f s' % (
            task['consumer'], task['channel'], task['seconds']) for task in row['doing'][:1])
    if key == 'state' and row['state'] == 'dead':
        return 'dead for %s' % duration(row['age'])
    return '-' if row[key] is None else '%s' % row[key]


def _more(number, what):
    return ['(and %d more %s: --all)' % (number, what)] if number else []


def _bytes(number):
    if number is None:
        return '?'
    for unit in ('B', 'kB', 'MB', 'GB'):
        if number < 1000 or unit == 'GB':
            return '%.*f %s' % (0 if unit == 'B' else 1, number, unit)
        number /= 1000
    return ''


def _shortened(name, width):
    """Return `name` without its middle if it is longer than `width`."""
    if len(name) <= width:
        return name
    begin = (width - 3) // 2
    return name[:begin] + '...' + name[len(name) - (width - 3 - begin):]


def _align(table, left=(0,), width=0):
    """
    Return the lines of a table.

    Where it is wider than `width`, 0: any, names in its first column give way,
    and then columns at the end, of which the heading tells.
    """
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    number, name = len(widths), widths[0]
    if width and _sum_of(widths) > width:
        least = min(name, max(MIN_NAME, len(table[0][0])))
        number = _with_room([least] + widths[1:], left, width)
        spare = width - _sum_of([least] + widths[1:number]) - (len(MORE) if number < len(widths) else 0)
        widths[0] = min(name, least + max(0, spare))
        table = [[_shortened(line[0], widths[0])] + line[1:] for line in table]
    lines = [
        '  '.join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line[:number], widths))
        ).rstrip() for line in table
    ]
    if number < len(widths):
        lines[0] = lines[0][:width - len(MORE)] + MORE
    return lines


def _sum_of(widths):
    return sum(widths) + 2 * (len(widths) - 1)


def _with_room(widths, left, width):
    """Return how many columns have room in `width`: a number of which the end is missing would be another one."""
    start = 0
    for column, needed in enumerate(widths):
        # Only a text may be cut.
        least = min(needed, MIN_TEXT) if column in left else needed
        is_last = column == len(widths) - 1
        if start + least > width - (0 if is_last else len(MORE)):
            return max(1, column)
        start += needed + 2
    return len(widths)

"""
Snapshots of a layer for `manage.py channels`: collected, compared, as text.

A Snapshot is what was seen at one time; two of them give rates. Everything
here is made of plain values, so that JSON, a terminal and a page show the
same.
"""
from __future__ import absolute_import, division, unicode_literals

import time

#: The columns of the table of channels: (heading, key of the numbers, digits).
COLUMNS = (
    ('pending', 'messages_pending', 0), ('oldest, s', 'messages_max_age', 1), ('in/s', 'in_rate', 1),
    ('out/s', 'out_rate', 1), ('sent', 'messages_count', 0), ('full', 'channel_full_count', 0),
    ('expired', 'expired_count', 0), ('dropped', 'dropped_count', 0), ('lost', 'lost_count', 0),
    ('malformed', 'malformed_count', 0),
)
#: Channels and groups that a table shows; --all shows the rest.
MAX_ROWS = 40


class Snapshot(object):
    """
    What `layer`, a layer with supports_inspection, holds now.

    `time` is the number of seconds of a clock that is not set back;
    `channels` is {name: numbers}, `groups` {name: members}, `servers` a list
    of dicts, one a shard.
    """

    def __init__(self, layer, time, with_groups=True):
        self.time = time
        self.channels = layer.inspect_channels()
        self.groups = layer.inspect_groups() if with_groups else {}
        self.servers = layer.inspect_servers()

    def add_rates(self, earlier):
        """
        Put in_rate and out_rate (messages a second) into the numbers.

        What came out is what came in and neither waits nor expired.
        """
        seconds = self.time - earlier.time
        for name, numbers in self.channels.items():
            before = earlier.channels.get(name)
            if before is None or seconds <= 0:
                continue
            came = numbers['messages_count'] - before['messages_count']
            if came < 0:
                # The counters began anew.
                continue
            went = (
                came - (numbers['messages_pending'] - before['messages_pending']) -
                (numbers['expired_count'] - before['expired_count'])
            )
            numbers['in_rate'] = came / seconds
            numbers['out_rate'] = max(0, went) / seconds

    def as_dict(self, layer):
        """Return it as a dict that JSON can hold."""
        return {
            'layer': str(layer), 'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            'channels': self.channels, 'groups': self.groups, 'servers': self.servers,
        }


def breaches(snapshot, max_age=None, max_pending=None, max_full=None, matches=None):
    """
    Return a line of text for each channel above one of the limits.

    `max_age` is in seconds, the others count messages; None means no limit.
    `matches(name)` says which channels are looked at; default: all.
    """
    limits = (
        ('messages_max_age', max_age, 'the oldest message has waited %.1f s (limit %g s)'),
        ('messages_pending', max_pending, '%d messages wait (limit %d)'),
        ('channel_full_count', max_full, '%d messages were refused, the channel being full (limit %d)'),
    )
    lines = []
    for name, numbers in sorted(snapshot.channels.items()):
        if matches is not None and not matches(name):
            continue
        lines += [
            '%s: %s' % (name, text % (numbers[key], limit))
            for key, limit, text in limits if limit is not None and numbers[key] > limit
        ]
    return lines


def render(snapshot, layer, everything=False):
    """Return the lines of text that `status` and `watch` show."""
    lines = ['Channel layer %s' % layer, '']
    lines += _servers(snapshot.servers)
    lines += _channels(snapshot.channels, everything)
    lines += [''] + _groups(snapshot.groups, everything)
    return lines


def _servers(servers):
    if not servers:
        return []
    table = [['server', 'version', 'memory', 'limit', 'when it is full', 'latency, ms']]
    for server in servers:
        table.append([
            server['server'], server['version'], _bytes(server['memory']),
            _bytes(server['memory_limit']) if server['memory_limit'] else 'none', server['policy'],
            '%.1f' % server['latency'],
        ])
    return _align(table, left=(0, 4)) + ['']


def _channels(channels, everything):
    # What waits longest comes first.
    names = sorted(channels, key=lambda name: (
        -channels[name]['messages_pending'], -channels[name]['messages_max_age'], name,
    ))
    shown = names if everything else names[:MAX_ROWS]
    table = [['channel'] + [heading for heading, key, digits in COLUMNS]]
    for name in shown:
        numbers = channels[name]
        table.append([name] + [
            '-' if numbers.get(key) is None else '%.*f' % (digits, numbers[key]) for heading, key, digits in COLUMNS
        ])
    if not names:
        return ['No message has been sent yet.']
    return _align(table) + _more(len(names) - len(shown), 'channels')


def _groups(groups, everything):
    if not groups:
        return ['No group has members.']
    names = sorted(groups, key=lambda name: (-groups[name], name))
    shown = names if everything else names[:MAX_ROWS]
    table = [['group', 'members']] + [[name, '%d' % groups[name]] for name in shown]
    return _align(table) + _more(len(names) - len(shown), 'groups')


def _more(number, what):
    return ['(and %d more %s: --all)' % (number, what)] if number else []


def _bytes(number):
    for unit in ('B', 'kB', 'MB', 'GB'):
        if number < 1000 or unit == 'GB':
            return '%.*f %s' % (0 if unit == 'B' else 1, number, unit)
        number /= 1000
    return ''


def _align(table, left=(0,)):
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return [
        '  '.join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip() for line in table
    ]

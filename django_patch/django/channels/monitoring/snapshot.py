"""
Snapshots of a layer: what it holds at one time; two of them give rates.

Everything here is made of plain values, so that JSON, a terminal and a page
show the same.
"""
from __future__ import absolute_import, division, unicode_literals

import time

from ..layers.inspection import Found
from ..layers.presence import WORKER
from ..names import DISCONNECT_CHANNELS
from .wording import sentences

#: Numbers that all channels have, whatever else a layer says of one.
NUMBERS = (
    'messages_pending', 'messages_max_age', 'messages_count', 'channel_full_count', 'expired_count', 'dropped_count',
    'lost_count', 'malformed_count', 'unsupported_count',
)


def whole(numbers):
    """Return `numbers`, a dict that a layer has of a channel, with 0 for those of NUMBERS that it doesn't tell."""
    return dict(dict.fromkeys(NUMBERS, 0), **numbers)


def channels_of(layer, budget):
    """Return what `layer` says of its channels as a Found of whole() numbers, whichever of them it tells."""
    return _found(layer.inspect_channels(budget), whole)


def groups_of(layer, budget):
    """Return what `layer` says of its groups as a Found, empty if it says nothing of them."""
    try:
        return _found(layer.inspect_groups(budget), int)
    except NotImplementedError:
        return Found()


def _found(answer, as_value):
    # Another's layer may have made a dict.
    found = Found((name, as_value(value)) for name, value in answer.items())
    for name in ('is_complete', 'total', 'absent'):
        setattr(found, name, getattr(answer, name, getattr(found, name)))
    return found


class Snapshot(object):
    """
    What `layer`, a layer with supports_inspection, holds now.

    `time` is the number of seconds of a clock that is not set back;
    `channels` is {name: numbers}, `groups` {name: members}, `servers` a list
    of dicts, one a shard, and `processes` one of those that use the layer.
    `budget` is the number of seconds that finding channels may take, and once
    more finding groups; None means as many as they take.
    """

    def __init__(self, layer, time, with_groups=True, budget=None):
        self.time = time
        self.channels = channels_of(layer, budget)
        self.groups = groups_of(layer, budget) if with_groups else Found()
        #: Server that can't be asked -> why; what it holds is missing.
        self.absent = dict(self.channels.absent)
        self.absent.update(self.groups.absent)
        #: Was there time to look at all of the others?
        self.is_complete = self.channels.is_complete and self.groups.is_complete
        self.servers = layer.inspect_servers()
        #: None if the layer doesn't list them.
        self.processes = layer.processes() if layer.supports_presence else None
        for process in self.processes or ():
            # They are for metrics.
            process['facts'].pop('numbers', None)

    def add_rates(self, earlier):
        """
        Put in_rate and out_rate (messages a second) into the numbers.

        What came out is what came in and neither waits nor expired.
        """
        seconds = self.time - earlier.time
        if self.absent != earlier.absent:
            # These counted something else.
            return
        for name, numbers in self.channels.items():
            before = earlier.channels.get(name)
            if before is None or seconds <= 0:
                continue
            came = numbers['messages_count'] - before['messages_count']
            if came < 0:
                # The counters were reset.
                continue
            numbers['in_rate'] = came / seconds
            if name.endswith(('!', '?')) and not (self.channels.is_complete and earlier.channels.is_complete):
                # Other queues may have been seen now than then.
                continue
            went = (
                came - (numbers['messages_pending'] - before['messages_pending']) -
                (numbers['expired_count'] - before['expired_count'])
            )
            numbers['out_rate'] = max(0, went) / seconds

    def as_dict(self, layer):
        """Return it as a dict that JSON can hold."""
        return {
            'layer': str(layer), 'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            'absent': [{'server': server, 'error': text} for server, text in sorted(self.absent.items())],
            'complete': self.is_complete and not self.absent, 'channels': self.channels, 'groups': self.groups,
            'servers': self.servers, 'processes': self.processes,
        }


def breaches(snapshot, max_age=None, max_pending=None, max_full=None, min_workers=None, matches=None):
    """
    Return a line of text for each absent server, and channel above a limit.

    `max_age` is in seconds, the others count messages; None means no limit.
    What tells the worker of a stream that its client left isn't looked at:
    nobody reads it where the stream has no worker, as after ResponseLater.
    `matches(name)` says which channels are looked at; default: all. A line
    before these tells if fewer than `min_workers` worker processes are alive.
    """
    limits = (
        ('messages_max_age', max_age, 'the oldest message has waited %.1f s (limit %g s)'),
        ('messages_pending', max_pending, '%d messages wait (limit %d)'),
        ('channel_full_count', max_full, '%d messages were refused, the channel being full (limit %d)'),
    )
    lines = sentences(snapshot.absent)
    if min_workers is not None:
        number = len([process for process in snapshot.processes or () if process['alive'] and
                      process['kind'] == WORKER])
        if number < min_workers:
            lines.append('Workers alive: %d (limit %d)' % (number, min_workers))
    for name, numbers in sorted(snapshot.channels.items()):
        if name == DISCONNECT_CHANNELS or matches is not None and not matches(name):
            continue
        lines += [
            '%s: %s' % (name, text % (numbers[key], limit))
            for key, limit, text in limits if limit is not None and numbers[key] > limit
        ]
    return lines

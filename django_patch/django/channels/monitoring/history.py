"""
The history of a layer's channels: one sample a minute, an hour long.

Everything that watches a layer (a thread of each worker, and a page that shows
it) offers samples; the layer keeps one a minute. So the history is bounded:
SAMPLES texts of at most MAX_CHANNELS channels each, for an hour.
"""
from __future__ import absolute_import, division, unicode_literals

import itertools
import json
import logging
import time

from ..exceptions import ChannelsError, LayerUnavailable
from ..periodic import PeriodicThread
from .snapshot import channels_of

logger = logging.getLogger('django.channels')

#: Seconds between two samples, and how many are kept.
INTERVAL, SAMPLES = 60, 60
#: Seconds that looking for channels may take.
BUDGET = 1.0
#: Channels in a sample: those with the most that waits, then the busiest.
MAX_CHANNELS = 200


def record(layer, wall=time.time):
    """
    Have a sample of `layer` taken if none was in the last minute.

    `wall` returns the time of day in seconds. Return whether it was taken;
    a layer that can't be inspected has none. Raise what the layer raises.
    """
    if not layer.supports_inspection:
        return False
    try:
        return layer.add_sample(lambda: encode(_all_channels(layer), wall()), INTERVAL, SAMPLES)
    except NotImplementedError:
        # It keeps none.
        return False


def _all_channels(layer):
    found = channels_of(layer, BUDGET)
    for text in found.absent.values():
        # Half of a channel isn't where it fell to the half.
        raise LayerUnavailable(text)
    return found


def encode(channels, now):
    """Return a sample as text: `channels` as inspect_channels() has them, at the time of day `now` (seconds)."""
    names = sorted(channels, key=lambda name: (
        -channels[name]['messages_pending'], -channels[name]['messages_count'], name,
    ))[:MAX_CHANNELS]
    return json.dumps({'time': int(now), 'channels': {
        name: [
            channels[name]['messages_pending'], round(channels[name]['messages_max_age'], 1),
            channels[name]['messages_count'], channels[name]['expired_count'],
        ] for name in names
    }}, separators=(',', ':'), sort_keys=True)


def curves(layer):
    """
    Return {channel: points} of the last hour, the oldest point first.

    A point is a dict: `time` (seconds of the day's clock), `pending`
    (messages), `age` (seconds of the oldest), and `in_rate` and `out_rate`
    (messages a second since the point before; None for the first).
    """
    found = {}
    try:
        samples = layer.samples() if layer.supports_inspection else ()
    except NotImplementedError:
        samples = ()
    for sample in decode(samples):
        for name, numbers in sample['channels'].items():
            points = found.setdefault(name, [])
            points.append(_point(sample['time'], numbers, points[-1] if points else None))
    for points in found.values():
        for point in points:
            del point['counts']
    return found


def decode(samples):
    """Return the samples that can be read, as dicts; another version may have written others."""
    readable = []
    for text in samples:
        try:
            sample = json.loads(text)
            if all(len(numbers) == 4 for numbers in sample['channels'].values()):
                # They are calculated with.
                sum(itertools.chain.from_iterable(sample['channels'].values()), sample['time'] + 0.0)
                readable.append(sample)
        except (ValueError, TypeError, KeyError, AttributeError):
            # Shown is what is understood.
            continue
    return readable


def _point(now, numbers, before):
    pending, age, sent, expired = numbers
    point = {'time': now, 'pending': pending, 'age': age, 'in_rate': None, 'out_rate': None, 'counts': (sent, expired)}
    if before is not None and now > before['time'] and sent >= before['counts'][0]:
        seconds, came = now - before['time'], sent - before['counts'][0]
        went = came - (pending - before['pending']) - (expired - before['counts'][1])
        point['in_rate'], point['out_rate'] = came / seconds, max(0, went) / seconds
    return point


class Recorder(object):
    """
    A thread that records samples of `layer` while a block runs.

    `record_sample(layer)` is record(). An outage is logged once.
    """

    def __init__(self, layer, record_sample=record, interval=INTERVAL):
        self._layer = layer
        self._record = record_sample
        self._failed = False
        self._thread = PeriodicThread('history', interval, self.look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        # It may be waiting for a layer that is gone.
        self._thread.stop(1.0)

    def look(self):
        """Offer a sample."""
        try:
            self._record(self._layer)
            self._failed = False
        except ChannelsError as error:
            if not self._failed:
                logger.warning('The history of channels has a gap: %s', error)
            self._failed = True

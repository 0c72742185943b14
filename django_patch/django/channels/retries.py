"""
Retry policies of acknowledged channels.

On any other channel a message is delivered once, and not retried.
"""
from __future__ import absolute_import

import random

from .acknowledged_options import MAX_DELIVERIES, ChannelOptions
from .durations import checked_number_of_seconds

__all__ = ['Acknowledged', 'Retry']


class Retry(object):
    """
    A policy: after which exceptions, how often, and when to try again.

    `on` is a class of exceptions, or a tuple of them, after which a message is
    retried, except after those in `never`; after any other it is a dead letter
    at once. `attempts` limits the calls of the consumer, the first included;
    None leaves that to the channel's `deliveries`. Pauses are in seconds: the
    first is `first`, each next one `factor` times as long, at most `last`.
    `jitter`, from 0 to 1, is the share by which a pause is randomly longer or
    shorter, so that messages that failed together are not retried together.
    Raise ValueError for anything else.
    """

    def __init__(self, on=Exception, never=(), attempts=None, first=1.0, factor=2.0, last=3600.0, jitter=0.2):
        if attempts is not None and not (isinstance(attempts, int) and attempts > 0):
            raise ValueError('attempts must be a positive integer, or None, not %r.' % (attempts,))
        if attempts is not None and attempts > MAX_DELIVERIES:
            raise ValueError('attempts may be %d at most, not %d: nothing counts further.' % (
                MAX_DELIVERIES, attempts))
        first, last = checked_number_of_seconds('first', first), checked_number_of_seconds('last', last)
        if not (0 <= first <= last and factor >= 1 and 0 <= jitter < 1):
            raise ValueError(
                'A Retry needs 0 <= first <= last (seconds), factor >= 1 and 0 <= jitter < 1, not %r, %r, %r and %r.' %
                (first, last, factor, jitter)
            )
        for name, classes in (('on', on), ('never', never)):
            if not _are_exceptions(classes):
                raise ValueError(
                    '%s must be a class of exceptions, or a tuple of them, not %r.' % (name, classes))
        self.on = on
        self.never = never
        self.attempts = attempts
        self.first = first
        self.factor = factor
        self.last = last
        self.jitter = jitter

    def applies_to(self, error):
        """Return whether a message is retried after `error`, an exception."""
        return isinstance(error, self.on) and not isinstance(error, self.never)

    def pause(self, attempt):
        """Return the pause after attempt number `attempt`, counted from 1, in seconds."""
        # A larger power would overflow a float by any factor.
        steps = min(attempt - 1, 64)
        try:
            pause = min(self.last, self.first * self.factor ** steps)
        except OverflowError:
            # The factor is a large one.
            pause = self.last
        return pause * random.uniform(1 - self.jitter, 1 + self.jitter)


def _are_exceptions(classes):
    # What isinstance() takes: it would raise TypeError for a list.
    if isinstance(classes, tuple):
        return all(_are_exceptions(item) for item in classes)
    return isinstance(classes, type) and issubclass(classes, BaseException)


class Acknowledged(object):
    """
    The value of a route's `acknowledged`: its channels are acknowledged ones.

    `retry` is a Retry, by default Retry(); `options` are those of
    ChannelOptions. Raise TypeError or ValueError for anything else.
    """

    def __init__(self, retry=None, **options):
        if isinstance(retry, type) or retry is not None and not callable(getattr(retry, 'pause', None)):
            raise TypeError('retry must be a Retry, such as Retry(attempts=3), not %r.' % (retry,))
        self.retry = Retry() if retry is None else retry
        self.options = ChannelOptions(**options)

"""
Retries: how often, and when, a message comes again whose consumer failed.

It is for acknowledged channels; from any other, a message comes once.
"""
from __future__ import absolute_import

import random

from .acknowledged_options import ChannelOptions

__all__ = ['Acknowledged', 'Retry']


class Retry(object):
    """
    After a failure, when to try again.

    `on` are the classes of exceptions after which that is worth it, and
    `never` those of them after which it isn't; what is neither ends as a dead
    letter at once. `attempts` is how often the consumer is called at most;
    None leaves that to the channel's `deliveries`. The first pause is `first`
    seconds, each after it `factor` times the one before, none longer than
    `last`, and each up to the share `jitter` shorter or longer, so that what
    failed together doesn't come again together.
    """

    def __init__(self, on=Exception, never=(), attempts=None, first=1.0, factor=2.0, last=3600.0, jitter=0.2):
        if attempts is not None and not (isinstance(attempts, int) and attempts > 0):
            raise ValueError('attempts must be a positive integer, or None, not %r.' % (attempts,))
        if not (first >= 0 and last >= first and factor >= 1 and 0 <= jitter < 1):
            raise ValueError(
                'A Retry needs 0 <= first <= last (seconds), factor >= 1 and 0 <= jitter < 1, not %r, %r, %r and %r.' %
                (first, last, factor, jitter)
            )
        self.on = on
        self.never = never
        self.attempts = attempts
        self.first = first
        self.factor = factor
        self.last = last
        self.jitter = jitter

    def applies_to(self, error):
        """Return whether it is worth trying again after `error`, an exception."""
        return isinstance(error, self.on) and not isinstance(error, self.never)

    def pause(self, attempt):
        """Return for how many seconds to wait after the attempt of that number, the first being 1."""
        # Powers of no large numbers, which floats don't have.
        steps = min(attempt - 1, 64)
        pause = min(self.last, self.first * self.factor ** steps)
        return pause * random.uniform(1 - self.jitter, 1 + self.jitter)


class Acknowledged(object):
    """
    What a route says of its channels: that they are acknowledged, and how.

    `retry` is a Retry, and `options` what ChannelOptions takes.
    """

    def __init__(self, retry=None, **options):
        self.retry = Retry() if retry is None else retry
        self.options = ChannelOptions(**options)

"""A clock for tests, which goes on when it is told to."""
from __future__ import absolute_import


class ManualClock(object):
    """As `layers.clock.Clock`, at a time of the test's choosing."""

    def __init__(self, now=0.0):
        self.now = now
        #: How long each sleep was.
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

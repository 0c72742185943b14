"""
Absences: plans that look at all shards do without those that don't answer.

For people and monitors, who want to see what is there, and don't wait as long
as a sender or a worker does: one shard that hangs costs them PATIENCE, and not
once more for each question.
"""
from __future__ import absolute_import, unicode_literals

from ...exceptions import LayerUnavailable
from .operations import DONE, Probe
from .resp import pack

#: Seconds for which a shard that didn't answer isn't asked again: as long as
#: all questions of one look may take.
REMEMBERED = 3.0
#: Seconds for which a shard that answered is taken to be there: as long as a
#: look takes that finds all of them.
BELIEVED = 0.5
#: Seconds within which a shard says that it is there. Monitors wait ten for
#: all they ask.
PATIENCE = 1.5


class Absences(object):
    """Which of as many as `shards` didn't answer just now; any number of threads may share it."""

    def __init__(self, shards, monotonic):
        self._shards = shards
        self._monotonic = monotonic
        # Shard -> (until when that is remembered, why); None: it was there.
        self._known = {}

    def why(self, shard):
        """Return why `shard` wasn't there a moment ago, text; None if that isn't known."""
        until, text = self._known.get(shard, (0, None))
        return text if until > self._monotonic() else None

    def check(self, shard):
        """Raise LayerUnavailable if `shard` wasn't there a moment ago."""
        text = self.why(shard)
        if text is not None:
            raise _unavailable(text)

    def each(self, part, absent, shards=None):
        """
        Carry out part(shard), a plan, for each shard, one after the other.

        Put those that don't answer into `absent`, {shard: why}; None: they
        are an error. Raise LayerUnavailable if none is left. `shards` says
        which; all, if it is None.
        """
        shards = range(self._shards) if shards is None else shards
        if absent is None or len(shards) == 1:
            for shard in shards:
                if absent is not None:
                    yield self._find(shard)
                yield part(shard)
            yield DONE
        for shard in shards:
            text = absent.get(shard) or self.why(shard)
            if text is None:
                try:
                    yield self._find(shard)
                    yield part(shard)
                    continue
                except LayerUnavailable as error:
                    text = '%s' % error
                    self._known[shard] = self._monotonic() + REMEMBERED, text
            absent[shard] = text
        if all(shard in absent for shard in shards):
            raise _unavailable(text)
        yield DONE

    def find(self, absent):
        """Put all shards that aren't there into `absent`, as each() does."""
        return self.each(self._find, absent)

    def _find(self, shard):
        """Raise LayerUnavailable unless `shard` is there, or was a moment ago."""
        if self._known.get(shard, (0, None))[0] <= self._monotonic():
            yield Probe(shard, (pack('PING'),), PATIENCE)
            self._known[shard] = self._monotonic() + BELIEVED, None
        yield DONE


def _unavailable(text):
    error = LayerUnavailable(text)
    error.sent = False
    return error

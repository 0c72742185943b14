"""
The thread in which a process announces to a layer that it is alive.

It is not the loop that does the work: a consumer may take minutes, and the
messages that its process holds must not be requeued meanwhile.
"""
from __future__ import absolute_import

import logging
import sys

from .exceptions import AnotherProject, LayerUnavailable
from .layers.presence import BEAT_INTERVAL, LIFETIME, this_process
from .periodic import PeriodicThread

logger = logging.getLogger('django.channels')


def package_version():
    """Return the version of this package."""
    # The package imports what all need, and may not be imported from below.
    return sys.modules[__name__.rpartition('.')[0]].__version__


class Presence(object):
    """
    Announces this process to `layer` while a block runs.

    `kind` and `version` are those of a Process; `facts()` returns a dict that
    JSON can hold, and is called in the thread. `on_gone(shards)` is called
    there with the numbers of the shards where the process had counted as
    dead, or that lost their data: what it held there has been requeued. It
    must return quickly. Does nothing for a layer that lists no processes.

    With a `project`, its fingerprints, the first announcement is a claim():
    the block raises AnotherProject at its start. Where the layer was away
    then, `on_refused()` is called once it is found out.
    """

    def __init__(self, layer, kind, version, facts, on_gone=None, interval=BEAT_INTERVAL, project=(),
                 on_refused=None):
        self._layer = layer
        self._facts = facts
        self._on_gone = on_gone
        self._on_refused = on_refused
        # What is still to be claimed for.
        self._project = project
        #: The AnotherProject that the layer has refused this process with.
        self.refusal = None
        # The class of what the last beat raised.
        self._failure = None
        #: The Process that is announced.
        self.process = this_process(kind, version)
        self._thread = PeriodicThread('presence', interval, self.beat)

    def __enter__(self):
        if self._layer.supports_presence:
            # Before anything is received.
            self.beat()
            if self.refusal is not None:
                raise self.refusal
            self._layer.on_lost_state = self._on_lost_state
            self._thread.start()
        return self

    def __exit__(self, *exc_info):
        if not self._layer.supports_presence:
            return
        self._layer.on_lost_state = None
        # It may be waiting for a layer that is gone.
        self._thread.stop(1.0)
        if self._failure is not None or self.refusal is not None:
            # It ages out of the list.
            return
        try:
            self._layer.withdraw(self.process)
        except LayerUnavailable as error:
            logger.info('The layer was not told that this process has ended: %s', error)

    def _on_lost_state(self, shard):
        # Nobody knows of this process until it says so again.
        self._thread.look_soon()

    def beat(self):
        """Announce the process once; an outage is logged once."""
        if self.refusal is not None:
            return
        try:
            gone = self._announce()
        except AnotherProject as error:
            self.refusal = error
            if self._on_refused is not None:
                self._on_refused()
            return
        except LayerUnavailable as error:
            if self._failure is not type(error):
                # The next send or receive fails, too, and warns of it.
                logger.info('This process can\'t say that it is alive: %s', error)
            self._failure = type(error)
            return
        except Exception as error:
            # Whatever it is: were the thread to end, the process would count
            # as dead.
            if self._failure is not type(error):
                logger.exception('This process can\'t say that it is alive, and counts as dead after %d s.', LIFETIME)
            self._failure = type(error)
            return
        self._failure = None
        if gone:
            logger.warning('This process was taken for dead, or the layer lost what it held (shards %s).',
                           ', '.join(str(shard) for shard in gone))
            if self._on_gone is not None:
                self._on_gone(gone)

    def _announce(self):
        if not self._project:
            return self._layer.announce(self.process, self._facts())
        gone = self._layer.claim(self.process, self._facts(), self._project)
        self._project = ()
        return gone

"""
Whether another project would answer what a WSGI server sends.
"""
from __future__ import absolute_import

import logging
import threading

from ..compat.clock import monotonic
from ..exceptions import AnotherProject, ChannelsError
from ..fingerprints import fingerprints
from ..layers.presence import BEAT_INTERVAL, check_project

logger = logging.getLogger('django.channels')


class ProjectWatch(object):
    """
    Looks now and then whose processes use `layer`, in the threads that ask.

    It has no thread of its own, since a server may give Python none, and is
    asked about nothing while there are no requests.
    """

    def __init__(self, layer, clock=monotonic):
        self._layer = layer
        self._clock = clock
        self._lock = threading.Lock()
        self._next_look = None
        self._project = None
        # The processes that were there at the last look, which have been told
        # from others.
        self._known = set()
        self._is_refused = False

    def is_refused(self):
        """Return whether only processes of other projects are there; log when that begins."""
        if not self._layer.supports_presence:
            return False
        if self._next_look is None or self._clock() >= self._next_look:
            # The others wait, since until now nobody may know.
            with self._lock:
                if self._next_look is None or self._clock() >= self._next_look:
                    self._look()
                    self._next_look = self._clock() + BEAT_INTERVAL
        return self._is_refused

    def _look(self):
        if self._project is None:
            # Not before: the settings may be made after the application.
            self._project = fingerprints()
        try:
            names, newcomers = self._layer.new_processes(self._known)
            self._known = set(names)
            try:
                # What all say is asked for only where these are others.
                check_project(newcomers, self._project)
                if self._is_refused:
                    check_project(self._layer.processes(), self._project)
            except AnotherProject:
                check_project(self._layer.processes(), self._project)
            self._is_refused = False
        except AnotherProject as error:
            if not self._is_refused:
                logger.error('Requests are refused. %s', error)
            self._is_refused = True
        except ChannelsError as error:
            # It is as before, and sending says what is wrong.
            logger.debug('Whose processes use the layer could not be asked: %s', error)

"""
Worker processes as the commands start them: alone, or supervised.
"""
from __future__ import absolute_import

import functools
import logging
import os

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import connections
from django.db.utils import load_backend
from django.utils.module_loading import import_string

from .. import tracing
from ..compat.coroutines import SUPPORTS_ASYNC
from ..compat.forks import freeze_loaded
from ..in_flight import InFlight
from ..layers.kept_memory import return_free_memory
from ..periodic import PeriodicThread
from ..processes import leaving, service_manager
from ..routing import DEFAULT_HTTP_CONSUMER
from ..signals import worker_ready
from .projects import ProjectRefused

logger = logging.getLogger('django.channels')

#: The backend of a database that isn't configured.
DUMMY = 'django.db.backends.dummy'


def load_ahead(worker):
    """Load what the first message for `worker` would: processes share what is loaded before they are forked."""
    if SUPPORTS_ASYNC:
        import_string('django.channels.asynchronous.running.AsyncTasks')
    for database in connections.databases.values():
        try:
            load_backend(database.get('ENGINE') or DUMMY)
        except (ImproperlyConfigured, ImportError):
            # Who asks for that database is told so.
            continue
    if 'http.request' in worker.channels:
        import_string(DEFAULT_HTTP_CONSUMER)
        import_string('django.core.cache.close_caches')


def run_alone(worker, surroundings, is_embedded=False, is_program=False):
    """
    Run `worker` in this process until it is stopped.

    It runs in the context that `surroundings()` returns. It is watched over,
    unless `is_embedded` says that this isn't the main thread of a program of
    its own. `is_program` says that the program ends with it.
    """
    if is_embedded:
        # What reloads code ends the process without a word.
        with surroundings():
            worker.run()
        return
    freeze_loaded()
    return_free_memory()
    _watch_over(worker)
    beats = _Beats()
    worker_ready.connect(beats.start, weak=False)
    try:
        with surroundings():
            worker.run()
            if is_program:
                leaving.leave_within(worker.seconds_left())
    finally:
        worker_ready.disconnect(beats.start)
        beats.stop()


def run_supervised(count, make_worker, surroundings, announce):
    """
    Run `count` processes until they are stopped.

    Each runs what `make_worker()` returns, in the context that
    `surroundings(worker, index)` returns; `announce()` says that they begin.
    """
    from ..processes.reloading import inherited, is_trial, reload
    from ..processes.supervisor import REFUSED, Supervisor
    if is_trial():
        return
    processes, lifeline = inherited()
    announce()

    def serve(index, ready):
        worker = make_worker()
        worker.second_signal_ends = False
        _watch_over(worker)
        worker_ready.connect(_once(ready), weak=False)
        try:
            with surroundings(worker, index):
                worker.run()
                leaving.leave_within(worker.seconds_left())
        except CommandError as error:
            logger.error('%s', error)
            # What else is wrong here may pass.
            return REFUSED if isinstance(error, ProjectRefused) else 1
        leaving.wait_for_threads()
        tracing.flush()
        return 0

    # What loading the project has opened isn't for several processes.
    connections.close_all()
    freeze_loaded()
    return_free_memory()
    if Supervisor(count, serve, reload, processes, lifeline).run():
        raise CommandError('The workers were refused, as the log says above.')


def _watch_over(worker):
    if not hasattr(os, 'fork'):
        return
    from ..processes.watcher import watch_over
    connections.close_all()
    in_flight = InFlight(worker.threads * worker.prefetch + worker.concurrency)
    watch_over(in_flight, worker.channel_layer, lambda: worker.channels, worker.limits.hard_seconds)
    worker.record_in(in_flight)


def _once(ready):
    said = []

    def receive(**kwargs):
        # Each thread of the worker sends the signal.
        if not said:
            said.append(True)
            ready()
    return receive


class _Beats(object):
    """Signs of life for the service manager of a worker that has no supervisor."""

    def __init__(self):
        self._is_started = False
        self._thread = None

    def start(self, **kwargs):
        """Say that the worker is ready, and go on saying that it lives."""
        if self._is_started:
            return
        self._is_started = True
        service_manager.notify('READY=1')
        interval = service_manager.watchdog_interval()
        if interval is not None:
            self._thread = PeriodicThread(
                'worker-beats', interval / 2, functools.partial(service_manager.notify, 'WATCHDOG=1'))
            self._thread.start()

    def stop(self):
        """Say that the worker stops."""
        if self._thread is not None:
            self._thread.stop()
        service_manager.notify('STOPPING=1')

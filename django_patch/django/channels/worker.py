"""
Workers: the loops that receive messages and have their consumers run.

run() waits for messages; what becomes of each is the matter of `dispatch`,
which never raises, so that one bad message or consumer ends nothing but
itself.
"""
from __future__ import absolute_import

import fnmatch
import logging
import threading
from importlib import import_module

from .compat import URLS_MODULE
from .compat.coroutines import SUPPORTS_ASYNC
from .conf import conf
from .dispatch import DEFERRED, DROPPED, FAILED, HANDLED, STARTED, UNROUTED, Dispatcher
from .exceptions import LayerUnavailable
from .failures import is_of_operator
from .layers.backoff import Backoff
from .layers.clock import SYSTEM_CLOCK
from .layers.late_answers import LATE_ANSWERS
from .layers.legacy import adapted
from .limits import Limits, LimitWatch
from .prefetch.batch import SLOW_AFTER
from .prefetch.runner import PrefetchRunner
from .signals import worker_process_ready, worker_ready
from .stop_signals import StopSignals

__all__ = ['DEFERRED', 'DROPPED', 'FAILED', 'HANDLED', 'STARTED', 'UNROUTED', 'Worker', 'WorkerGroup']

logger = logging.getLogger('django.channels')
urls = import_module(URLS_MODULE)

#: Seconds to pause after a layer failed, growing from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
#: Seconds between two looks at a layer that can't wait for a message itself.
POLL_INTERVAL = 0.01


def _of_dispatcher(name, doc):
    return property(lambda worker: getattr(worker._dispatcher, name),
                    lambda worker, value: setattr(worker._dispatcher, name, value), doc=doc)


class Worker(object):
    """
    Receives from `channel_layer`, a ChannelLayerWrapper, until stopped.

    `callback(channel, message)` is called before each consumer runs.
    `message_retries` is how often ConsumeLater may put a message back.
    `only_channels` and `exclude_channels` are lists of globs. `threads`
    loops run side by side, the first in the thread that calls run().
    `requeue_timeout` is for how many seconds ConsumeLater waits for room.
    Each loop takes up to `prefetch` messages at once where the layer can get
    them back, as many as it handles within a few milliseconds, and returns
    those behind a consumer that takes longer than `slow_after` seconds; see
    `prefetch`. What a killed worker has taken is lost.

    Async consumers, views and streams run on one event loop beside the
    threads, at most `concurrency` at once. When the worker stops, they have
    `shutdown_timeout` seconds to end before they are cancelled, streams in
    threads before they are broken off at their next piece, and late answers
    before they are given up.

    `limits` are those of the process, after which it ends, and of a message.
    """

    def __init__(self, channel_layer, callback=None, message_retries=10, signal_handlers=True, only_channels=None,
                 exclude_channels=None, threads=1, requeue_timeout=1.0, prefetch=1, clock=SYSTEM_CLOCK,
                 slow_after=SLOW_AFTER, concurrency=2000, shutdown_timeout=10.0, limits=Limits()):
        self.channel_layer = channel_layer = adapted(channel_layer)
        # Not by a signal's handler that interrupts it, and before any fork.
        channel_layer.load()
        self.signal_handlers = signal_handlers
        self.only_channels = only_channels
        self.exclude_channels = exclude_channels
        self.threads = threads
        self.prefetch = prefetch
        self.slow_after = slow_after
        self.concurrency = concurrency
        self.shutdown_timeout = shutdown_timeout
        self.limits = limits
        self.termed, self._turns = False, threading.Lock()
        self._end = float('inf')
        self._keep_signals = lambda: None
        self._clock = clock
        self._dispatcher = Dispatcher(channel_layer, type(self), callback, message_retries, requeue_timeout)

    #: Whether a second signal ends the process at once. A supervisor, who
    #: may send what others have sent as well, decides that itself.
    second_signal_ends = True

    callback = _of_dispatcher('callback', 'What is called before each consumer.')
    message_retries = _of_dispatcher('message_retries', 'How often ConsumeLater may put a message back.')
    outcomes = _of_dispatcher('outcomes', 'How many messages came to what: {HANDLED: number, FAILED: number, ...}.')
    in_progress = _of_dispatcher('in_progress', 'What each thread and each async task is doing, an InProgress.')

    def record_in(self, in_flight):
        """Record in `in_flight`, an InFlight, what this worker receives from now on."""
        self._dispatcher.in_flight = in_flight

    # Life cycle

    def run(self):
        """Handle messages until stop() is called or a signal comes in."""
        if self.signal_handlers:
            with StopSignals(self._stop_by_signal, self._report, self.second_signal_ends) as signals:
                self._keep_signals = signals.keep
                self._run()
        else:
            self._run()

    def _run(self):
        if SUPPORTS_ASYNC:
            from .asynchronous.running import AsyncTasks
            self._dispatcher.async_tasks = AsyncTasks(self.concurrency, lambda: self.termed)
        self.channel_layer.are_streams_over = lambda: not self.seconds_left()
        limit_watch = LimitWatch(
            self.limits, self.in_progress, self.stop, getattr(self._dispatcher.async_tasks, 'cancel', None),
            self._dispatcher.in_flight,
        )
        limit_watch.start()
        if self.channel_layer.supports_acknowledgement and not self.channel_layer.spans_processes:
            # What its threads hold needs no name that others look for.
            self.channel_layer.hold_as('threads')
        self.ready()
        helpers = [
            threading.Thread(target=self._keep_looping, name='worker-%d' % number)
            for number in range(1, self.threads)
        ]
        for helper in helpers:
            helper.start()
        try:
            self._keep_looping()
        finally:
            self.stop()
            for helper in helpers:
                self._join(helper)
            limit_watch.finish()
            if self._dispatcher.async_tasks is not None:
                self._dispatcher.async_tasks.finish(self.seconds_left())
                self._dispatcher.async_tasks = None
            self.channel_layer.are_streams_over = None
            LATE_ANSWERS.finish(self.seconds_left())

    def watch(self, activity):
        """Tell `activity`, an Activity, of each message from now on."""
        self._dispatcher.activity = activity

    def ready(self):
        """Send worker_process_ready: the process is about to work."""
        worker_process_ready.send(sender=self, worker=self)

    def stop(self):
        """End every loop once the message that it handles is done."""
        self._end = min(self._end, self._clock.monotonic() + self.shutdown_timeout)
        self.termed = True
        self.channel_layer.interrupt()

    def seconds_left(self):
        """Return how much of `shutdown_timeout` is left, for all that still has to end."""
        return max(0.0, self._end - self._clock.monotonic())

    def _join(self, thread):
        # A loop may have looked at `termed` just before stop() and wait
        # since just after it.
        while thread.is_alive():
            self.channel_layer.interrupt()
            thread.join(0.1)

    def _stop_by_signal(self):
        logger.info('Shutdown signal received: finishing the messages in progress.%s',
                    ' A second signal ends them.' if self.second_signal_ends else '')
        self.stop()

    def _report(self):
        logger.warning('What each thread and async task is doing, as asked for by a signal:\n%s',
                       self.in_progress.report())

    # The loop

    def _keep_looping(self):
        """Run the loop; restart it after an error outside of handle()."""
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        is_ready = False
        while not self.termed:
            try:
                if not is_ready:
                    is_ready = True
                    worker_ready.send(sender=self, worker=self)
                self._loop()
            except BaseException as error:
                if is_of_operator(error):
                    raise
                logger.critical('A thread of the worker failed, and is restarted.', exc_info=True)
                self._pause(backoff.next_pause())

    def _loop(self):
        # Django does so for the thread that set it up.
        urls.set_script_prefix('/' if conf.force_script_name is None else conf.force_script_name)
        self._dispatcher.script_prefix = urls.get_script_prefix()
        if self.prefetch == 1 or not self.channel_layer.supports_requeue:
            self._repeat_until_stopped(self.run_once)
            return
        runner = PrefetchRunner(
            self.channel_layer, self.channels, self.handle, lambda: self.termed, self.prefetch, self._clock,
            self.slow_after, self._dispatcher.in_flight, self._turns,
        )
        try:
            self._repeat_until_stopped(runner.run_once)
        finally:
            runner.stop()

    def _repeat_until_stopped(self, run_once):
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE)
        while not self.termed:
            self._keep_signals()
            try:
                received = run_once()
            except Exception as error:
                # The layer failed, whatever it calls that. It is logged once
                # an outage, with the traceback of what nobody expects.
                if not backoff.pauses:
                    logger.error('Receiving failed, trying again: %s', error,
                                 exc_info=not isinstance(error, LayerUnavailable))
                self._pause(backoff.next_pause())
                continue
            if backoff.pauses:
                if received:
                    logger.info('Receiving works again.')
                backoff.reset()
            if self.limits.messages is not None and sum(self.outcomes.values()) >= self.limits.messages:
                logger.info('The worker has handled %d messages, its limit, and ends.', self.limits.messages)
                self.stop()

    def _pause(self, seconds):
        deadline = self._clock.monotonic() + seconds
        while not self.termed and self._clock.monotonic() < deadline:
            self._clock.sleep(0.05)

    def run_once(self):
        """
        Wait for a message and handle it.

        Return what became of it, or None if there was none. Raise what the
        layer raises.
        """
        channel, content = self.channel_layer.receive(self.channels, block=True)
        if channel is not None:
            in_flight = self._dispatcher.in_flight
            slot = in_flight.add(channel, content)
            try:
                return self.handle(channel, content)
            finally:
                in_flight.remove(slot)
        if not self.channel_layer.supports_blocking_receive:
            # Only a layer that can't wait itself is polled.
            self._clock.sleep(POLL_INTERVAL)

    @property
    def channels(self):
        """The names of the channels to receive from, as a list."""
        try:
            return self._channels
        except AttributeError:
            self._channels = self.apply_channel_filters(self.channel_layer.router.channels)
            return self._channels

    def apply_channel_filters(self, channels):
        """Return those of `channels` that this worker receives from, as a list."""
        def matches(channel, globs):
            return any(fnmatch.fnmatchcase(channel, glob) for glob in globs)

        return [
            channel for channel in sorted(channels)
            if (not self.only_channels or matches(channel, self.only_channels)) and
            not (self.exclude_channels and matches(channel, self.exclude_channels))
        ]

    def handle(self, channel, content):
        """
        Run the consumer of `content`, which came on `channel`.

        Return one of HANDLED, FAILED, DEFERRED, DROPPED and UNROUTED.
        """
        return self._dispatcher.handle(channel, content)


class WorkerGroup(Worker):
    """A worker with `n_threads` loops; the name it has in Channels 1.x."""

    def __init__(self, *args, **kwargs):
        kwargs['threads'] = kwargs.pop('n_threads', kwargs.pop('threads', 1))
        super(WorkerGroup, self).__init__(*args, **kwargs)

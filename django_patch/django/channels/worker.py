"""
Workers: the loops that receive messages and run their consumers.

run() waits and dispatches; handle() decides what becomes of one message and
never raises, so that one bad message or consumer ends nothing but itself.
"""
from __future__ import absolute_import

import fnmatch
import functools
import logging
import signal
import threading
import time

from . import outbox
from .batch import Batch, Keeper, Pace
from .compat.clock import monotonic
from .exceptions import ChannelSocketException, ConsumeLater, LayerUnavailable
from .layers.base import send_blocking
from .message import Message
from .signals import consumer_finished, consumer_started, worker_process_ready, worker_ready

logger = logging.getLogger('django.channels')

#: What became of a message, as handle() returns it.
HANDLED, FAILED, DEFERRED, DROPPED, UNROUTED = 'handled', 'failed', 'deferred', 'dropped', 'unrouted'
#: Seconds to wait after a layer failed, growing from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0


class Worker(object):
    """
    Receives from `channel_layer`, a ChannelLayerWrapper, until stopped.

    `callback(channel, message)` is called before each consumer runs.
    `message_retries` is how often ConsumeLater may put a message back.
    `only_channels` and `exclude_channels` are lists of globs. `threads`
    loops run side by side, the first in the thread that calls run().
    `requeue_timeout` is for how many seconds ConsumeLater waits for room.
    Each loop takes up to `prefetch` messages at once where the layer can get
    them back, as many as it handles within a few milliseconds; see `batch`.
    A worker that is killed takes them along.
    """

    def __init__(self, channel_layer, callback=None, message_retries=10, signal_handlers=True, only_channels=None,
                 exclude_channels=None, threads=1, requeue_timeout=1.0, prefetch=1):
        self.channel_layer = channel_layer
        self.callback = callback
        self.message_retries = message_retries
        self.signal_handlers = signal_handlers
        self.only_channels = only_channels
        self.exclude_channels = exclude_channels
        self.threads = threads
        self.requeue_timeout = requeue_timeout
        self.prefetch = prefetch
        self.termed = False
        self._previous_handlers = {}
        self._wakers = []

    # Life cycle

    def run(self):
        """Handle messages until stop() is called or a signal comes in."""
        if self.signal_handlers:
            self._install_signal_handlers()
        try:
            self.ready()
            helpers = [
                threading.Thread(target=self._loop, name='worker-%d' % number) for number in range(1, self.threads)
            ]
            for helper in helpers:
                helper.start()
            try:
                self._loop()
            finally:
                self.stop()
                for helper in helpers:
                    self._join(helper)
        finally:
            # On Python 2, a thread that still runs while the interpreter
            # shuts down finds its modules gone.
            for waker in self._wakers:
                waker.join(LAST_PAUSE)
            self._restore_signal_handlers()

    def ready(self):
        """Tell whoever listens that the process is about to work."""
        worker_process_ready.send(sender=type(self), worker=self)

    def stop(self):
        """Have every loop end once the message in its hands is handled."""
        self.termed = True
        self._interrupt()

    def _interrupt(self):
        # A 1.x layer doesn't know how; its readers return after a while.
        interrupt = getattr(self.channel_layer, 'interrupt', None)
        if interrupt is not None:
            interrupt()

    def _join(self, thread):
        # A loop may have looked at `termed` just before stop() and wait
        # since just after it.
        while thread.is_alive():
            self._interrupt()
            thread.join(0.1)

    def _install_signal_handlers(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous_handlers[number] = signal.signal(number, self._sigterm_handler)

    def _restore_signal_handlers(self):
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        self._previous_handlers = {}

    def _sigterm_handler(self, number, frame):
        # Locks may be held where the signal came in, so another thread does
        # the waking.
        logger.info('Shutdown signal received: finishing the messages in hand.')
        self.termed = True
        waker = threading.Thread(target=self._interrupt, name='worker-stop')
        waker.daemon = True
        waker.start()
        self._wakers.append(waker)

    # The loop

    def _loop(self):
        worker_ready.send(sender=type(self), worker=self)
        if self.prefetch == 1 or not hasattr(self.channel_layer, 'give_back'):
            self._turn_until_stopped(self.run_once)
            return
        batch = Batch(self.channel_layer)
        keeper = Keeper(batch)
        try:
            self._turn_until_stopped(functools.partial(self._run_some, Pace(self.prefetch), batch, keeper))
        finally:
            keeper.stop()

    def _turn_until_stopped(self, turn):
        pause = 0
        while not self.termed:
            try:
                received = turn()
            except Exception as error:
                # The layer failed, whatever it calls that. It is said once
                # an outage, with the traceback of what nobody expects.
                if not pause:
                    logger.error('Receiving failed, trying again: %s', error,
                                 exc_info=not isinstance(error, LayerUnavailable))
                pause = min(pause * 2 or FIRST_PAUSE, LAST_PAUSE)
                self._pause(pause)
                continue
            if pause and received:
                logger.info('Receiving works again.')
            pause = 0

    def _pause(self, seconds):
        deadline = time.time() + seconds
        while not self.termed and time.time() < deadline:
            time.sleep(0.05)

    def run_once(self):
        """
        Wait for a message and handle it.

        Return what became of it, or None if there was none. Raise what the
        layer raises.
        """
        channel, content = self.channel_layer.receive(self.channels, block=True)
        if channel is not None:
            return self.handle(channel, content)
        if not getattr(self.channel_layer, 'supports_blocking_receive', False):
            self._rest()

    def _rest(self):
        # Only a layer that can't wait itself is polled.
        time.sleep(0.01)

    def _run_some(self, pace, batch, keeper):
        """As run_once(), for as many messages as `pace` says."""
        layer = self.channel_layer
        if pace.limit == 1:
            channel, content = layer.receive(self.channels, block=True)
            received = [(channel, content)] if channel is not None else ()
        else:
            received = layer.receive_batch(self.channels, pace.limit, layer.receive_timeout)
        if not received:
            return None
        began = monotonic()
        if len(received) == 1:
            outcome = self.handle(*received[0])
        else:
            outcome = self._handle_batch(batch, keeper, received)
        pace.note(len(received), monotonic() - began)
        return outcome

    def _handle_batch(self, batch, keeper, received):
        outcome, is_stopping = None, False
        batch.begin(received)
        keeper.wake()
        try:
            while True:
                if self.termed and not is_stopping:
                    is_stopping = True
                    batch.give_back()
                message = batch.next()
                if message is None:
                    return outcome
                outcome = self.handle(*message)
        finally:
            batch.end()

    @property
    def channels(self):
        """The names to receive from, as a list."""
        try:
            return self._channels
        except AttributeError:
            self._channels = self.apply_channel_filters(self.channel_layer.router.channels)
            return self._channels

    def apply_channel_filters(self, channels):
        """Return those of `channels` that this worker takes, as a list."""
        def matches(channel, globs):
            return any(fnmatch.fnmatchcase(channel, glob) for glob in globs)

        return [
            channel for channel in sorted(channels)
            if (not self.only_channels or matches(channel, self.only_channels)) and
            not (self.exclude_channels and matches(channel, self.exclude_channels))
        ]

    # One message

    def handle(self, channel, content):
        """
        Run the consumer of `content`, which came on `channel`.

        Return one of HANDLED, FAILED, DEFERRED, DROPPED and UNROUTED.
        """
        try:
            return self._handle(channel, content)
        except (Exception, SystemExit):
            # sys.exit() would end the one thread, without a word.
            logger.exception('Error processing a message on %s', channel)
            return FAILED

    def _handle(self, channel, content):
        retries = content.pop('__retries__', 0)
        message = Message(content, channel, self.channel_layer)
        match = self.channel_layer.router.match(message)
        if match is None:
            logger.error(
                'No route for a message on %s; it was dropped. Add a route for it, or keep this worker away from the '
                'channel with --exclude-channels.', channel,
            )
            return UNROUTED
        consumer, kwargs = match
        if self.callback:
            self.callback(channel, message)
        consumer_started.send(sender=type(self), environ={})
        try:
            with outbox.held():
                consumer(message, **kwargs)
            return HANDLED
        except ConsumeLater as later:
            outcome = self._defer(message, retries + 1)
            if outcome == DROPPED and later.if_dropped is not None:
                later.if_dropped()
            return outcome
        except ChannelSocketException as request:
            request.run(message)
            return HANDLED
        finally:
            consumer_finished.send(sender=type(self))

    def _defer(self, message, retries):
        channel = message.channel.name
        if retries > self.message_retries:
            logger.error('A message on %s was dropped: its consumer put it back %d times.', channel, retries - 1)
            return DROPPED
        try:
            send_blocking(self.channel_layer, channel, dict(message.content, __retries__=retries),
                          self.requeue_timeout)
        except self.channel_layer.ChannelFull:
            logger.error('A message on %s could not be put back and was dropped: the channel is full.', channel)
            return DROPPED
        return DEFERRED


class WorkerGroup(Worker):
    """A worker with `n_threads` loops; the name it has in Channels 1.x."""

    def __init__(self, *args, **kwargs):
        kwargs['threads'] = kwargs.pop('n_threads', kwargs.pop('threads', 1))
        super(WorkerGroup, self).__init__(*args, **kwargs)

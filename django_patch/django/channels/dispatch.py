"""
One message: from its route through its consumer to what became of it.

Whatever a consumer raises ends its message and nothing else: it is logged and
counted, and a client that waits for an answer gets one. What a consumer leaves
behind in its thread is put back.
"""
from __future__ import absolute_import

import logging
import os
import sys

from . import outbox, tracing
from .channel_sessions import ending_session
from .compat import six
from .compat.coroutines import SUPPORTS_ASYNC, WHAT_ASYNC_NEEDS, is_coroutine, is_unrun
from .compat.forks import getpid
from .compat.isolation import run_isolated
from .compat.text import text_of_error
from .consumption import DEFERRED, DROPPED, FAILED, HANDLED, STARTED, UNROUTED, Consumption, name_of
from .exceptions import ChannelSocketException, ConsumeLater, DenyConnection, MalformedFrame
from .failures import answer, close, is_of_operator
from .held_messages import HeldMessagesMixin
from .in_flight import NothingRecorded
from .in_progress import InProgress
from .layers.blocking import send_blocking
from .message import Message, leave_out_absent
from .mounts import add_root_path, set_script_prefix
from .security.handshakes import check_handshake
from .signals import consumer_finished, consumer_started, handshake_refused

logger = logging.getLogger('django.channels')
get_ident = six.moves._thread.get_ident


class Dispatcher(HeldMessagesMixin):
    """
    Runs the consumers of messages of `channel_layer`, a ChannelLayerWrapper.

    `sender` is what the signals around consumers give as theirs;
    `callback(channel, message)` is called before each. `message_retries` is
    how often ConsumeLater may put a message back, and `requeue_timeout` for
    how many seconds that waits for room.
    """

    HANDLED = HANDLED

    def __init__(self, channel_layer, sender, callback=None, message_retries=10, requeue_timeout=1.0):
        self.channel_layer = channel_layer
        self.sender = sender
        self.callback = callback
        self.message_retries = message_retries
        self.requeue_timeout = requeue_timeout
        #: Where async consumers run, an AsyncTasks; in the calling thread,
        #: which waits for them, if it is None.
        self.async_tasks = None
        #: What addresses begin with in each of its threads; None: not known.
        self.script_prefix = None
        #: Who wants to know what runs and for how long, an Activity, or None.
        self.activity = None
        #: What runs in which thread and which task.
        self.in_progress = InProgress()
        #: The record of the messages in flight, an InFlight.
        self.in_flight = NothingRecorded()
        #: How many messages came to what; threads may miss one now and then.
        self.outcomes = dict.fromkeys((HANDLED, FAILED, DEFERRED, DROPPED, UNROUTED), 0)

    def handle(self, channel, content):
        """
        Run the consumer of `content`, which came on `channel`.

        Return one of HANDLED, FAILED, DEFERRED, DROPPED and UNROUTED. Raise
        nothing but the operator's KeyboardInterrupt.
        """
        task = Consumption(channel, content)
        thread = get_ident()
        self.in_progress.threads[thread] = task
        try:
            outcome = run_isolated(self._consume, task)
        except BaseException as error:
            if is_of_operator(error):
                raise
            outcome = self.fail(task, sys.exc_info())
        finally:
            if getpid() != task.process:
                # It has the worker's connections, and would take its messages.
                logger.critical(
                    'A consumer of %s has forked, and let the new process return: it ends here.', task.channel,
                )
                os._exit(1)
            self.in_progress.end(thread, task)
        self.count(task, outcome)
        return outcome

    def count(self, task, outcome):
        """Count the message of `task`, which came to `outcome`."""
        if outcome != STARTED:
            if self.activity is not None:
                self.activity.end(task, outcome)
            if task.span is not None:
                task.span.end(outcome)
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def _go_on(self, task, coroutine):
        """Have the `coroutine` of an async consumer run; return what is known then of the message."""
        if not SUPPORTS_ASYNC:
            coroutine.close()
            raise TypeError('The consumer %s is async, which needs %s.' % (name_of(task.consumer), WHAT_ASYNC_NEEDS))
        from .asynchronous.consuming import consume, consume_here
        if self.async_tasks is None:
            return consume_here(self, task, coroutine)
        task.slot = self.in_flight.add(task.channel, task.content)
        if tracing.tracer is not None and task.span is None:
            task.span = tracing.tracer.unsampled()
        self.in_progress.submitted[task] = get_ident()
        self.async_tasks.submit(consume, self, task, coroutine)
        return STARTED

    def _consume(self, task):
        if tracing.tracer is not None:
            task.span = tracing.tracer.begin(task)
        if task.channel.startswith('websocket.'):
            add_root_path(task.content)
            leave_out_absent(task.channel, task.content)
        task.message = message = Message(task.content, task.channel, self.channel_layer)
        message.attempt = task.attempt
        message.isolated_in = get_ident()
        match = self.channel_layer.router.match(message)
        if match is None:
            logger.error(
                'No route for a message on %s; it was dropped. Add a route for it, or keep this worker away from the '
                'channel with --exclude-channels.', task.channel,
            )
            answer(message, 503)
            if task.receipt is not None:
                self.bury(task, 'No route takes it.')
            return UNROUTED
        task.consumer, task.kwargs = match
        message.consumer = task.consumer
        message.script_prefix = set_script_prefix(task.content, self.script_prefix)
        if self.callback:
            self.callback(task.channel, message)
        consumer_started.send(sender=self.sender, environ={})
        try:
            if task.channel == 'websocket.connect':
                check_handshake(message)
            with outbox.buffered() if task.receipt is None else outbox.collected() as held:
                consumer = task.consumer
                if task.channel == 'websocket.disconnect':
                    consumer = ending_session(consumer)
                result = consumer(message, **task.kwargs)
            # An instance, where the consumer is a class.
            if result is not None:
                result = getattr(result, 'outcome', result)
                if is_coroutine(result):
                    return self._go_on(task, result)
                if is_unrun(result):
                    raise TypeError('The consumer %s has returned %r, which nothing runs: it must be a plain function '
                                    'without yield, or an async one.' % (name_of(task.consumer), result))
            if task.receipt is not None:
                self.finish(task, held)
            return HANDLED
        except ConsumeLater as later:
            return self.defer(task, later)
        except ChannelSocketException as request:
            return self.obey(task, request)
        except MalformedFrame as error:
            return self.refuse_frame(task, error)
        finally:
            consumer_finished.send(sender=self.sender)

    def obey(self, task, request):
        """Act on the socket of `task` as the ChannelSocketException `request` asks; return HANDLED."""
        if isinstance(request, DenyConnection):
            self._tell_of_refusal(task, text_of_error(request) or 'The consumer %s raised DenyConnection.' %
                                  name_of(task.consumer))
        request.run(task.message)
        if task.receipt is not None:
            self.finish(task, outbox.Outbox())
        return HANDLED

    def _tell_of_refusal(self, task, reason):
        # First, so that who hears of it knows why once the socket is refused.
        if task.channel == 'websocket.connect':
            # Anybody can ask for any path: only `runworker -v 2` shows it.
            logger.debug('Refused a WebSocket: %s', reason)
            for receiver, result in handshake_refused.send_robust(
                sender=self.sender, message=task.message, reason=reason,
            ):
                if isinstance(result, Exception):
                    logger.error('%r raised %r when a handshake was refused.', receiver, result)

    def refuse_frame(self, task, error):
        """Close the socket of `task`, whose frame is malformed by the MalformedFrame `error`; return HANDLED."""
        if task.channel != 'websocket.receive':
            # There is no frame, so it isn't the client's fault.
            raise error
        logger.warning(
            'A client sent a malformed frame, and its socket is closed with %d: %s Consumer %s, reply channel %s.',
            error.code, text_of_error(error), name_of(task.consumer), task.message.reply_channel,
        )
        close(task.message, error.code)
        return HANDLED

    def fail(self, task, exc_info):
        """Log that `task` failed, answer its client, and return FAILED."""
        if task.span is not None:
            task.span.fail(exc_info[1])
        described = task.describe()
        logger.error(
            'Error processing a message on %s: consumer %s, reply channel %s, attempt %d, message keys: %s%s',
            described['channel'], described['consumer'] or 'not found', described['reply_channel'] or 'none',
            described['attempt'], described['message_keys'],
            '; content: ' + described['message_content'] if 'message_content' in described else '',
            exc_info=exc_info, extra=described,
        )
        if task.message is not None:
            self._tell_of_refusal(task, 'The consumer %s raised %s.' % (described['consumer'], exc_info[0].__name__))
            answer(task.message, error=exc_info[1])
        if task.receipt is not None:
            self.retry(task, exc_info)
        return FAILED

    def defer(self, task, later):
        """Put the message of `task` back, as the ConsumeLater `later` asks; return DEFERRED or DROPPED."""
        outcome = self._put_back(task) if task.receipt is None else self.defer_held(task, later)
        if outcome == DROPPED:
            if later.if_dropped is not None:
                later.if_dropped()
            answer(task.message, 503)
        return outcome

    def _put_back(self, task):
        if task.attempt > self.message_retries:
            logger.error(
                'A message on %s was dropped: its consumer put it back %d times.', task.channel, task.attempt - 1
            )
            return DROPPED
        content = dict(task.message.content, __retries__=task.attempt)
        try:
            send_blocking(self.channel_layer, task.channel, content, self.requeue_timeout)
        except self.channel_layer.ChannelFull:
            logger.error(
                'A message on %s could not be put back and was dropped: the channel is full.', task.channel
            )
            return DROPPED
        return DEFERRED

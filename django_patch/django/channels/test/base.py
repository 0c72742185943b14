"""
Test cases with layers of their own, and a client that consumes on request.
"""
from __future__ import absolute_import

import contextlib

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test.testcases import TestCase, TransactionTestCase

from .. import outbox
from ..channel import Group
from ..compat.coroutines import is_coroutine
from ..exceptions import ChannelSocketException
from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from ..layers.base import copy_message
from ..message import Message
from ..names import non_local_name, process_channel, random_token, validate_channel_name
from ..routing import ignore
from ..security.handshakes import check_handshake
from ..signals import consumer_finished, consumer_started, prepare_connections, tidy_connections
from . import committing
from .swapping import apply_routes, make_in_memory_layer, swap_layers

__all__ = ['ChannelTestCase', 'ChannelTestCaseMixin', 'Client', 'TransactionChannelTestCase', 'apply_routes']


class ChannelTestCaseMixin(object):
    """
    Gives each test in-memory layers of its own.

    They are in the place of the layers of `test_channel_aliases` and keep
    their routing. Nothing runs by itself: look with get_next_message() at
    what was sent, or have a Client consume it. What waits for a commit is
    sent once the test is outside of all transactions but a TestCase's own.
    """
    test_channel_aliases = [DEFAULT_CHANNEL_LAYER]

    @classmethod
    def setUpClass(cls):
        # What setUpTestData() sends mustn't reach the real layers either.
        cls._class_layers = swap_layers(cls.test_channel_aliases, make_in_memory_layer)
        cls._class_layers.__enter__()
        try:
            super(ChannelTestCaseMixin, cls).setUpClass()
        except Exception:
            cls._class_layers.__exit__()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            super(ChannelTestCaseMixin, cls).tearDownClass()
        finally:
            cls._class_layers.__exit__()

    def __call__(self, result=None):
        # What a project's own _pre_setup() sends is there for the test.
        with swap_layers(self.test_channel_aliases, make_in_memory_layer):
            return super(ChannelTestCaseMixin, self).__call__(result)

    def run(self, result=None):
        # In here, the transactions are those of the TestCase.
        with committing.watch():
            return super(ChannelTestCaseMixin, self).run(result)

    def get_next_message(self, channel, alias=DEFAULT_CHANNEL_LAYER, require=False):
        """
        Take the next Message from `channel` of the layer `alias`.

        Return None if there is none, or fail if one is required.
        """
        message = next_message(channel_layers[alias], channel)
        if message is None and require:
            self.fail('Expected a message on channel %s, got none.' % channel)
        return message


class TransactionChannelTestCase(ChannelTestCaseMixin, TransactionTestCase):
    """A TransactionTestCase with in-memory layers."""


class ChannelTestCase(ChannelTestCaseMixin, TestCase):
    """A TestCase with in-memory layers."""


class Client(object):
    """
    Sends messages, runs their consumers, and receives the replies.

    `alias` is that of the layer. What a consumer raises is raised; as in a
    worker, what it sent goes out only if it raised nothing.
    """

    def __init__(self, alias=DEFAULT_CHANNEL_LAYER):
        self.alias = alias
        self.reply_channel = process_channel('test') + random_token()

    @property
    def channel_layer(self):
        """The layer, a ChannelLayerWrapper."""
        return channel_layers[self.alias]

    def get_next_message(self, channel):
        """Take the next Message from `channel`; return None without one."""
        return next_message(self.channel_layer, channel)

    def get_consumer_by_channel(self, channel):
        """Return the consumer of an empty message on `channel`, or None."""
        match = self.channel_layer.router.match(Message({'text': ''}, channel, self.channel_layer))
        return None if match is None else match[0]

    def send(self, to, content=None):
        """Send `content` (a dict) to a channel, as from this client."""
        committing.commit()
        content = copy_message(content or {})
        content.setdefault('reply_channel', self.reply_channel)
        self.channel_layer.send(to, content)

    def consume(self, channel, fail_on_none=True):
        """
        Run the consumer of the next message on `channel`; return its result.

        Without a message, or a route for it, raise AssertionError, or
        return None if not `fail_on_none`.
        """
        message = self.get_next_message(channel)
        match = None if message is None else self.channel_layer.router.match(message)
        if match is not None and match[0] is ignore:
            # No route of the project takes it: a mistake in a path shall
            # fail the test.
            match = None
        if match is None:
            if fail_on_none:
                raise AssertionError(
                    'There is no message on channel %s.' % channel if message is None else
                    'No route fits %r.' % message
                )
            return None
        message.content.pop('__retries__', None)
        with database_left_alone():
            consumer_started.send(sender=type(self), environ={})
            try:
                return self._run(message, *match)
            finally:
                consumer_finished.send(sender=type(self))

    def _run(self, message, consumer, kwargs):
        try:
            check_handshake(message)
            with outbox.buffered():
                result = consumer(message, **kwargs)
                coroutine = getattr(result, 'outcome', result)
                if is_coroutine(coroutine):
                    from ..asynchronous.consuming import run_here
                    return run_here(coroutine)
                return result
        except ChannelSocketException as request:
            return request.run(message)

    def send_and_consume(self, channel, content=None, fail_on_none=True):
        """Send `content` to `channel` and consume it; return the result."""
        self.send(channel, content)
        return self.consume(channel, fail_on_none=fail_on_none)

    def receive(self):
        """Return the content of the next reply, or None."""
        message = self.get_next_message(self.reply_channel)
        return None if message is None else message.content

    def join_group(self, group_name):
        """Make this client a member of a group."""
        # What has been committed before doesn't concern it.
        committing.commit()
        Group(group_name, alias=self.alias).add(self.reply_channel)


def next_message(layer, channel):
    """
    Take the next message from `channel` of `layer` without waiting.

    Return a Message or None. What waits for other clients of the same
    process goes on waiting.
    """
    committing.commit()
    channel = validate_channel_name(channel)
    name = non_local_name(channel)
    found, others = None, []
    while True:
        received, content = layer.receive([name])
        if received is None:
            break
        if channel in (received, name):
            found = Message(content, received, layer)
            break
        others.append((received, content))
    if others:
        # They were there first, so what is behind them follows them.
        while received is not None:
            received, content = layer.receive([name])
            if received is not None:
                others.append((received, content))
        for received, content in others:
            layer.send(received, content)
    return found


#: What Django does to connections around requests and consumers.
_DATABASE_RECEIVERS = (
    (request_started, close_old_connections),
    (request_finished, close_old_connections),
    (consumer_started, prepare_connections),
    (consumer_finished, tidy_connections),
)


@contextlib.contextmanager
def database_left_alone():
    """
    Keep connections, and the log of their queries, over the block.

    The test's transaction is in the connection, and assertNumQueries()
    counts what is in the log.
    """
    disconnected = [
        (signal, receiver) for signal, receiver in _DATABASE_RECEIVERS if signal.disconnect(receiver)
    ]
    try:
        yield
    finally:
        for signal, receiver in disconnected:
            signal.connect(receiver)

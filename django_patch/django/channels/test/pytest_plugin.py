"""
The pytest plugin: what ChannelTestCase gives to tests that are functions.

A project names it in its conftest.py. It isn't an entry point of the wheel:
pytest marks all packages of a distribution that has one for the rewriting of
assertions, and its import hook, which comes first then, would load the
modules of `channels` a second time.
"""
from __future__ import absolute_import

import contextlib

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.test import TestCase
from django.test.utils import modify_settings

from ..layers import DEFAULT_CHANNEL_LAYER, channel_layers
from . import committing
from .base import ChannelTestCaseMixin, Client, next_message
from .live_threads import LiveThreads
from .swapping import make_in_memory_layer, swap_layers
from .websocket import WSClient

MARKER = 'real_channel_layers: the test uses the channel layers of CHANNEL_LAYERS themselves.'


def pytest_configure(config):
    """Make the plugin's marker known."""
    config.addinivalue_line('markers', MARKER)


@contextlib.contextmanager
def _nothing():
    yield


def _isolation(item):
    """Return a context in which the test `item` has in-memory layers of its own."""
    if item.get_closest_marker('real_channel_layers'):
        return _nothing()
    return swap_layers(sorted({DEFAULT_CHANNEL_LAYER}.union(channel_layers)), make_in_memory_layer)


@pytest.fixture(autouse=True)
def _isolated_channel_layers(request):
    with _isolation(request.node):
        yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Have messages that wait for a commit sent, as soon as only the transaction of the fixture `db` is open."""
    # Not in a fixture: it would have to come after that of the database.
    with committing.watch():
        _watch_in(getattr(item, '_testcase', None) or getattr(item, 'instance', None))
        yield


def _watch_in(case):
    """Have a TestCase of Django, which begins its transactions only when it is called, watched from within."""
    if isinstance(case, TestCase) and not isinstance(case, ChannelTestCaseMixin):
        run = case.run

        def watched(result=None):
            with committing.watch():
                return run(result)
        case.run = watched


@pytest.fixture
def get_next_message():
    """
    A function that takes the next message from a channel.

    get_next_message(channel, alias='default', require=False) returns a
    Message, or None if there is none; with `require` it fails the test then.
    """
    def get_next_message(channel, alias=DEFAULT_CHANNEL_LAYER, require=False):
        message = next_message(channel_layers[alias], channel)
        if message is None and require:
            pytest.fail('Expected a message on channel %s, got none.' % channel)
        return message
    return get_next_message


@pytest.fixture
def channel_client():
    """A Client of the default layer, which sends messages and runs their consumers."""
    return Client()


@pytest.fixture
def ws_client():
    """A WSClient of the default layer: a browser with a WebSocket, which sends an Origin and counts its messages."""
    return WSClient(ordered=True)


@pytest.fixture
def channel_live_server(transactional_db):
    """
    An interface server and a worker in threads, for a browser to talk to.

    `url` and `ws_url` are where it listens. What the test overrides, replaces
    and writes into the database is theirs as well.
    """
    # Imported late: it isn't below this package.
    from ..management.servers import HOW_TO_INSTALL, find_server
    serve = find_server()
    if not hasattr(serve, 'in_thread'):
        raise ImproperlyConfigured('A live server in threads needs the interface server: %s' % HOW_TO_INSTALL)
    with modify_settings(ALLOWED_HOSTS={'append': 'localhost'}):
        server = LiveThreads(
            serve, 'localhost', [DEFAULT_CHANNEL_LAYER], serve_static=apps.is_installed('django.contrib.staticfiles'))
        server.start()
        try:
            yield server
        finally:
            server.stop()

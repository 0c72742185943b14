"""What cases share: a layer of their own, messages, and what was sent."""
from __future__ import absolute_import, unicode_literals

import contextlib

from channels import channel_layers
from channels.asgi import ChannelLayerWrapper
from channels.message import Message
from channels.worker import Worker
from django.conf import settings
from django.utils.module_loading import import_string


@contextlib.contextmanager
def layer(routing=(), alias='default', **options):
    """A context with a layer of its own in the place of `alias`; yields it, wrapped."""
    raw = import_string(settings.MEMORY)(**options)
    # Ours waits for a message for so many seconds, the other not at all.
    raw.receive_timeout = 0.001
    wrapped = ChannelLayerWrapper(raw, alias, list(routing))
    before = channel_layers[alias]
    channel_layers.set(alias, wrapped)
    try:
        yield wrapped
    finally:
        channel_layers.set(alias, before)


def received(wrapped, *channels):
    """Return the contents of all messages on the channels, in order."""
    # What is for one client of a process is received for the process.
    names = [name[:name.index('!') + 1] if '!' in name else name for name in channels]
    found = []
    while True:
        channel, content = wrapped.receive(names)
        if channel is None:
            return found
        found.append(content)


def message(content=None, channel='test', wrapped=None, **more):
    """Return a Message with a reply channel, unless its content has one."""
    content = dict({'reply_channel': 'reply!a'}, **(content or {}))
    content.update(more)
    return Message(content, channel, wrapped or channel_layers['default'])


class _Once(Worker):
    """A worker of Channels 1.1.8 that ends after the messages there are."""

    def __init__(self, wrapped, count, **options):
        super(_Once, self).__init__(wrapped, signal_handlers=False, **options)
        self._left = count + 1

    @property
    def termed(self):
        self._left -= 1
        return self._left <= 0

    @termed.setter
    def termed(self, value):
        if value:
            self._left = 0


def work(wrapped, count=1, **options):
    """Have a worker handle `count` messages of the layer."""
    if hasattr(Worker, 'run_once'):
        worker = Worker(wrapped, signal_handlers=False, **options)
        for _ in range(count):
            worker.run_once()
    else:
        _Once(wrapped, count, **options).run()

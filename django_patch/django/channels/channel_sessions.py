"""
Sessions of reply channels: what one socket's messages have in common.
"""
from __future__ import absolute_import

import contextlib

from .channel import Group
from .conf import conf
from .decorators import decorator_from_context
from .exceptions import ConsumeLater
from .session_stores import GROUPS_KEY, one_consumer, open_channel_session


def session_for_reply_channel(reply_channel):
    """
    Return the session of a reply channel, whose name is given.

    Raise ValueError if CHANNEL_SESSION_ENGINE keeps sessions in cookies.
    """
    return open_channel_session(conf.session_engine, reply_channel)


@contextlib.contextmanager
def with_channel_session(message):
    """
    Give `message` its `channel_session` for the block.

    It is saved at the end, or deleted with its socket.
    """
    if message.reply_channel is None:
        raise ValueError('channel_session needs a message with a reply_channel; %s has none.' % message.channel)
    if hasattr(message, 'channel_session'):
        # An outer decorator has opened it and will save it.
        yield
        return
    with one_consumer(), _opened(message):
        yield


@contextlib.contextmanager
def _opened(message):
    message.channel_session = session = session_for_reply_channel(message.reply_channel.name)
    if message.channel.name != 'websocket.disconnect':
        yield
        session.save_if_changed()
        return
    try:
        yield
    except ConsumeLater:
        # It will come again.
        raise
    except Exception:
        # Opened again: the ordering of messages may have saved it since.
        _end(message, session_for_reply_channel(message.reply_channel.name))
        raise
    # A message that waits for its turn under enforce_ordering comes again,
    # too.
    if not getattr(message, 'is_early', False):
        _end(message, session)


def _end(message, session):
    for name in session.get(GROUPS_KEY, ()):
        Group(name, channel_layer=message.channel_layer).discard(message.reply_channel)
    session.end()


_decorate = decorator_from_context(with_channel_session)
#: Has this process a consumer with a channel session?
_in_use = False


def channel_session(func):
    """
    Decorator: gives the message a `channel_session`.

    It is saved after the consumer, and deleted after that of
    websocket.disconnect.
    """
    global _in_use
    _in_use = True
    return _decorate(func)


def end_session(message, **kwargs):
    """
    Delete the channel session of a socket that has closed.

    It consumes websocket.disconnect where a project names no other consumer.
    """
    if _in_use and message.reply_channel is not None:
        _end(message, session_for_reply_channel(message.reply_channel.name))

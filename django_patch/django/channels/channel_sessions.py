"""
Sessions of reply channels: what one socket's messages have in common.
"""
from __future__ import absolute_import

import contextlib
import hashlib
from importlib import import_module

from django.contrib.sessions.backends.base import CreateError

from .conf import conf
from .decorators import decorator_from_context
from .exceptions import ConsumeLater


def session_key(reply_channel):
    """Return the key of the session of a reply channel."""
    # Not for secrecy, so any digest will do that FIPS mode allows.
    return 'chn' + hashlib.sha1(reply_channel.encode('ascii')).hexdigest()[:29]


def session_for_reply_channel(reply_channel):
    """
    Return the session of a reply channel, whose name is given.

    Raise ValueError if CHANNEL_SESSION_ENGINE keeps sessions in cookies.
    """
    engine = import_module(conf.session_engine)
    if engine.__name__ == 'django.contrib.sessions.backends.signed_cookies':
        raise ValueError(
            'Channel sessions cannot live in cookies: set CHANNEL_SESSION_ENGINE to another backend, such as '
            'django.contrib.sessions.backends.db.'
        )
    key = session_key(reply_channel)
    session = engine.SessionStore(session_key=key)
    session.keys()
    # A backend forgets the key of a session that it doesn't have, lest a
    # visitor chooses one; this one was chosen by us.
    session.must_create = session.session_key is None
    session._session_key = key
    return session


def save_channel_session(session):
    """
    Save `session` if it was changed.

    Raise ConsumeLater if another message of its socket was the first to
    create it.
    """
    if not session.modified or (session.must_create and session.is_empty()):
        return
    try:
        session.save(must_create=session.must_create)
    except CreateError:
        # Another message of this socket was faster; this one's turn is when
        # it can see what the other has saved.
        raise ConsumeLater()
    session.must_create = session.modified = False


@contextlib.contextmanager
def with_channel_session(message):
    """Give `message` its `channel_session` for the block; save it at the end."""
    if message.reply_channel is None:
        raise ValueError('channel_session needs a message with a reply_channel; %s has none.' % message.channel)
    if hasattr(message, 'channel_session'):
        # An outer decorator has opened it and will save it.
        yield
        return
    message.channel_session = session_for_reply_channel(message.reply_channel.name)
    yield
    save_channel_session(message.channel_session)


#: Decorator: gives the message a `channel_session`, saved after the consumer.
channel_session = decorator_from_context(with_channel_session)

"""
Sessions for messages: those of a reply channel, and the HTTP session that
a WebSocket's handshake names.
"""
from __future__ import absolute_import

import contextlib
import functools
import hashlib
import logging
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError
from django.http.cookie import parse_cookie

from . import outbox
from .compat import six
from .conf import conf
from .decorators import around, message_among
from .exceptions import ConsumeLater
from .layers.base import send_blocking

logger = logging.getLogger('django.channels')

#: In the channel session: the key of the HTTP session of the handshake.
HTTP_SESSION_KEY = '__http_session_key'
#: In the channel session: the order number of the next message.
ORDER_KEY = '__channels_next_order'


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


def _save_channel_session(session):
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
def _with_channel_session(message):
    if message.reply_channel is None:
        raise ValueError('channel_session needs a message with a reply_channel; %s has none.' % message.channel)
    if hasattr(message, 'channel_session'):
        # An outer decorator has opened it and will save it.
        yield
        return
    message.channel_session = session_for_reply_channel(message.reply_channel.name)
    yield
    _save_channel_session(message.channel_session)


#: Decorator: gives the message a `channel_session`, saved after the consumer.
channel_session = around(_with_channel_session)


def _http_session_key(message):
    cookies = b'; '.join(value for name, value in message.get('headers') or () if name == b'cookie')
    key = parse_cookie(cookies.decode('latin-1') if six.PY3 else cookies).get(settings.SESSION_COOKIE_NAME)
    if key:
        return key
    query = message.get('query_string') or b''
    if isinstance(query, bytes):
        query = query.decode('ascii', 'replace')
    return six.moves.urllib.parse.parse_qs(query).get('session_key', [None])[0]


def _http_session(key):
    return import_module(settings.SESSION_ENGINE).SessionStore(session_key=key)


@contextlib.contextmanager
def _with_http_session(message):
    if hasattr(message, 'http_session'):
        yield
        return
    key = _http_session_key(message)
    message.http_session = _http_session(key) if key else None
    yield
    _save_http_session(message)


def _save_http_session(message):
    session = message.http_session
    # An empty one was never begun, or the visitor has logged out.
    if session is not None and session.modified and not session.is_empty():
        session.save()


#: Decorator: gives the message the visitor's `http_session`, or None.
http_session = around(_with_http_session)


@contextlib.contextmanager
def _with_channel_and_http_session(message):
    with _with_channel_session(message):
        if not hasattr(message, 'http_session'):
            key = message.channel_session.get(HTTP_SESSION_KEY) or _http_session_key(message)
            message.http_session = _http_session(key) if key else None
        if message.http_session is not None:
            if message.channel_session.get(HTTP_SESSION_KEY) != message.http_session.session_key:
                message.channel_session[HTTP_SESSION_KEY] = message.http_session.session_key
        yield
        _save_http_session(message)


#: Decorator: as channel_session, and `http_session` for the whole life of
#: a socket, though only its handshake has the cookie.
channel_and_http_session = around(_with_channel_and_http_session)


def enforce_ordering(func=None, slight=False):
    """
    Run the messages of each socket strictly in the order they came.

    A message that is early waits, without a worker, on a channel of its
    socket until the one before it is done, or has failed.
    """
    if slight:
        raise ValueError('enforce_ordering has no slight mode: the handshake already comes before all else.')
    if func is None:
        return enforce_ordering

    @channel_session
    @functools.wraps(func)
    def inner(*args, **kwargs):
        message = message_among(args, kwargs)
        if 'order' not in message:
            raise ValueError('enforce_ordering needs a message with an order, which %s lacks.' % message.channel)
        session = message.channel_session
        if message['order'] > session.get(ORDER_KEY, 0):
            _wait(message)
            return
        try:
            func(*args, **kwargs)
            # The next worker's sends must not come before this one's.
            outbox.flush()
        except ConsumeLater as later:
            later.if_dropped = functools.partial(_give_up, message)
            raise
        except (Exception, SystemExit):
            _give_up(message)
            raise
        _pass_on(message, session)
    return inner


def _give_up(message):
    # It is lost, and those behind it mustn't wait for it. What its consumer
    # put into the session is dropped.
    _pass_on(message, session_for_reply_channel(message.reply_channel.name))


def _pass_on(message, session):
    _mark_done(message['order'], session)
    _call_waiting(message)


def _mark_done(order, session):
    session[ORDER_KEY] = max(order + 1, session.get(ORDER_KEY, 0))
    # What waits is called once the next worker can see the new number.
    _save_channel_session(session)


def _waiting_channel(message):
    return '__wait__?' + hashlib.sha1(message.reply_channel.name.encode('ascii')).hexdigest()[:29]


def _wait(message):
    layer = message.channel_layer
    try:
        layer.send(_waiting_channel(message), dict(message.content, original_channel=message.channel.name))
    except layer.ChannelFull:
        raise ConsumeLater()
    # The message before this one may have finished since this one looked.
    latest = session_for_reply_channel(message.reply_channel.name)
    if latest.get(ORDER_KEY, 0) >= message['order']:
        _call_waiting(message)


def _call_waiting(message):
    layer = message.channel_layer
    channel = _waiting_channel(message)
    waiting = []
    while True:
        name, content = layer.receive([channel], block=False)
        if name is None:
            break
        waiting.append((content.pop('original_channel'), content))
    waiting.sort(key=lambda pair: pair[1]['order'])
    # They were received before; whether their channel has room for more is no
    # matter, and who waits for it may be the only one who reads it.
    if waiting and hasattr(layer, 'give_back'):
        waiting = layer.give_back(waiting)
    for original_channel, content in waiting:
        try:
            send_blocking(layer, original_channel, content, conf.send_timeout)
        except layer.ChannelFull:
            logger.error(
                'A message on %s that waited for the one before it was dropped: the channel is full.', original_channel
            )
            _mark_done(content['order'], session_for_reply_channel(message.reply_channel.name))

"""
Session stores for sockets: those of a reply channel, and the visitor's own.

Django's stores are made for requests, whose response can bring a browser a
new key. A socket has no response: the key of its own session is derived from
its reply channel and never changes, and what is written to a visitor's
session that is gone would be kept under a key that nobody has.
"""
from __future__ import absolute_import

import contextlib
import hashlib
import logging
from importlib import import_module

from django.contrib.sessions.backends import base

from .compat.context import ContextVar
from .conf import conf
from .exceptions import ConsumeLater

logger = logging.getLogger('django.channels')

#: What save() raises where the session has been deleted. Django 1.8 has no
#: such error: it makes the session again.
_GONE = getattr(base, 'UpdateError', base.CreateError)

#: In the channel session: the key of the HTTP session of the handshake.
HTTP_SESSION_KEY = '__http_session_key'
#: In the channel session: the order number of the next message.
ORDER_KEY = '__channels_next_order'
#: In the channel session: the groups through which a log-out closes it.
GROUPS_KEY = '__channels_user_groups'
#: What belongs to the socket, and stays when its user's data is thrown away.
OWN_KEYS = (HTTP_SESSION_KEY, ORDER_KEY, GROUPS_KEY)

COOKIES = 'django.contrib.sessions.backends.signed_cookies'


def session_key(reply_channel):
    """Return the key of the session of a reply channel."""
    # Not for secrecy, so any digest will do that FIPS mode allows.
    return 'chn' + hashlib.sha1(reply_channel.encode('ascii')).hexdigest()[:29]


#: {(class, key): _Stored} of the channel sessions that the consumer which runs
#: here has opened, or None outside of one.
_opened = ContextVar('django.channels.channel_sessions', default=None)


class _Stored(object):
    """Whether the store has a session: all copies in a consumer know it."""

    def __init__(self):
        self.must_create = False


@contextlib.contextmanager
def one_consumer():
    """
    Let copies of a session that are opened in the block know of each other.

    The first to be saved makes the session, and the others then replace what
    it wrote. One that another message made in between is still in the way.
    """
    around = _opened.get()
    _opened.set({})
    try:
        yield
    finally:
        _opened.set(around)


class ChannelSessionMixin(object):
    """
    A session whose key stays the same, made when there is something to keep.

    Whatever is called on it (save(), cycle_key(), flush(), login() with its
    two) works in the first consumer of a socket as in any other.
    """

    @property
    def must_create(self):
        """Whether there is nothing in the store yet."""
        return self._stored.must_create

    @must_create.setter
    def must_create(self, value):
        self._stored.must_create = value

    @classmethod
    def open(cls, key):
        """Return the session `key`, loaded, or a new one under that key."""
        session = cls(session_key=key)
        session._stored = _Stored()
        session.keys()
        # A backend forgets the key of a session that it doesn't have, so that
        # visitors can't choose one; this one was chosen by us.
        session.must_create = session.session_key is None
        session._session_key = key
        session._fixed_key = key
        session._share_with_copies()
        return session

    def _share_with_copies(self):
        opened = _opened.get()
        if opened is None:
            return
        name = type(self), self._fixed_key
        other = opened.get(name)
        if other is not None and other.must_create == self.must_create:
            self._stored = other
        else:
            # The first; or another message has made it, or ended it.
            opened[name] = self._stored

    def save(self, must_create=False):
        """
        Save the session.

        Raise ConsumeLater if another message of the socket has made it since
        it was loaded: the turn of this one is when it can see the other's.
        """
        try:
            super(ChannelSessionMixin, self).save(must_create=must_create or self.must_create)
        except base.CreateError:
            raise ConsumeLater()
        self.must_create = False

    def create(self):
        """As save(): a key of its own, which Django makes here, the session has already."""
        self.save()

    def cycle_key(self):
        """
        As save().

        Django changes the key when somebody logs in, since a visitor may
        know the old one. Nobody can present the key of a channel session.
        """
        self.save()

    def flush(self):
        """Throw away what the session holds, but for what belongs to the socket."""
        own = {key: self[key] for key in OWN_KEYS if key in self}
        if not own:
            super(ChannelSessionMixin, self).flush()
            self._session_key = self._fixed_key
            self.must_create = True
            return
        self.clear()
        self.update(own)
        self.save()

    def save_if_changed(self):
        """Save what has been changed; leave a session that holds nothing unmade."""
        if not self.modified or (self.must_create and not self.keys()):
            return
        try:
            # What the consumer has saved itself, too: it may have changed
            # what the session holds since, and Django marks that nowhere.
            self.save()
            self.modified = False
        except _GONE:
            # The socket has closed meanwhile, and its session gone with it.
            logger.info('A channel session was not saved: its socket has closed.')

    def end(self):
        """Delete the session: its socket is closed."""
        if not self.must_create:
            self.delete(self._fixed_key)


class HttpSessionMixin(object):
    """A visitor's session, of which no new key can be told to the browser."""
    #: Was there no session of that key?
    is_gone = False

    def cycle_key(self):
        # Django 1.8 fails unless it is loaded.
        self.keys()
        super(HttpSessionMixin, self).cycle_key()

    def load(self):
        data = super(HttpSessionMixin, self).load()
        self.is_gone = self._session_key is None
        return data

    def save(self, must_create=False):
        """
        Save the session, unless it was gone when it was loaded.

        It may have been ended by a log-out, or moved to a new key. What was
        written to it is dropped then, with a warning in the log: under yet
        another key nobody would find it.
        """
        # Whether it is there is known once it is loaded.
        self.keys()
        if self.session_key is None and self.is_gone:
            logger.warning(
                'The HTTP session of a message is gone (by a log-out, a log-in or its age): what the consumer wrote '
                'to it was dropped.'
            )
            self.modified = False
            return
        super(HttpSessionMixin, self).save(must_create=must_create)


def _with_mixin(mixin, engine):
    """Return the class that is the session store of the module `engine` with `mixin`."""
    store = import_module(engine).SessionStore
    return _combined(mixin, store)


def _combined(mixin, store):
    # Kept on the mixin, as override_settings() changes engines in tests.
    known = mixin.__dict__.get('_known')
    if known is None:
        known = mixin._known = {}
    if store not in known:
        members = {'__module__': store.__module__}
        for name in ('save', 'create', 'cycle_key', 'flush'):
            if name in mixin.__dict__ and hasattr(store, 'a' + name):
                members['a' + name] = _asynchronous(name)
        known[store] = type(mixin)(str(store.__name__), (mixin, store), members)
    return known[store]


def _asynchronous(name):
    """Return what Django's asave() and its like are, for a method that the mixin has changed."""
    def method(self, *args, **kwargs):
        from asgiref.sync import sync_to_async
        return sync_to_async(getattr(self, name))(*args, **kwargs)
    method.__name__ = str('a' + name)
    return method


def save_foreign(session):
    """Save a session that a program has opened by itself, or put on a message in a test, if it was changed."""
    if getattr(session, 'modified', False):
        session.save()


def open_channel_session(engine, reply_channel):
    """
    Return the session of the reply channel of that name (text).

    Raise ValueError if the module `engine` keeps sessions in cookies.
    """
    if engine == COOKIES:
        raise ValueError(
            'Channel sessions cannot live in cookies: set CHANNEL_SESSION_ENGINE to another backend, such as '
            'django.contrib.sessions.backends.db.'
        )
    return _with_mixin(ChannelSessionMixin, engine).open(session_key(reply_channel))


def session_for_reply_channel(reply_channel):
    """
    Return the session of a reply channel, whose name is given.

    Raise ValueError if CHANNEL_SESSION_ENGINE keeps sessions in cookies.
    """
    return open_channel_session(conf.session_engine, reply_channel)


def open_http_session(engine, key):
    """Return the visitor's session `key`, loaded when it is first looked at."""
    if engine == COOKIES:
        # Its key is its content.
        return import_module(engine).SessionStore(session_key=key)
    return _with_mixin(HttpSessionMixin, engine)(session_key=key)

"""
The user of a WebSocket that is open for longer than its log-in.

A handshake identifies the user once. Later messages of the socket are
compared with the HTTP session that it came with, and a log-out or a new
password may close the sockets that it concerns.
"""
from __future__ import absolute_import

import collections
import hashlib
import logging
import threading

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.models.signals import post_save, pre_delete, pre_save
from django.utils.encoding import force_bytes

from . import outbox
from .channel import Group
from .conf import conf
from .layers.clock import SYSTEM_CLOCK
from .session_stores import COOKIES, GROUPS_KEY, HTTP_SESSION_KEY, open_http_session

logger = logging.getLogger('django.channels')

#: "Unauthorized" in IANA's registry of close codes.
UNAUTHORIZED = 3000


class RecentChecks(object):
    """When this process has last looked up the log-in of a socket."""

    def __init__(self, limit=10000, clock=SYSTEM_CLOCK):
        """Remember `limit` sockets; the times are those of `clock`."""
        self._limit = limit
        self._clock = clock
        self._times = collections.OrderedDict()
        self._lock = threading.Lock()

    def is_due(self, name, interval):
        """Return whether the socket `name` was not looked up in the last `interval` seconds."""
        with self._lock:
            checked = self._times.get(name)
        return checked is None or self._clock.monotonic() - checked >= interval

    def note(self, name):
        """Remember that the socket `name` was logged in just now."""
        with self._lock:
            self._times.pop(name, None)
            self._times[name] = self._clock.monotonic()
            if len(self._times) > self._limit:
                self._times.popitem(last=False)


_checks = RecentChecks()


def is_logged_in(message):
    """
    Return whether the user of the channel session is logged in still.

    The HTTP session of the handshake is looked up for that, at most every
    CHANNEL_USER_CHECK_INTERVAL seconds in each process. The channel session
    is left as it is: writing it could undo what another message writes.
    """
    interval, session = conf.user_check_interval, message.channel_session
    key, user = session.get(HTTP_SESSION_KEY), session.get(SESSION_KEY)
    if interval is None or not key or user is None:
        # A log-in of a consumer's own has no HTTP session to be ended.
        return True
    name = message.reply_channel.name
    if interval and not _checks.is_due(name, interval):
        return True
    found = open_http_session(settings.SESSION_ENGINE, key).get(SESSION_KEY)
    if found is None or '%s' % found != '%s' % user:
        return False
    _checks.note(name)
    return True


def remember_session(message):
    """
    Note in the channel session which HTTP session `message` came with.

    Have the socket join the groups that a log-out closes, if
    CHANNEL_CLOSE_ON_LOGOUT asks for that, or leave those of an earlier user.
    Return the names of those that it has joined now.
    """
    http, session = message.http_session, message.channel_session
    key = http.session_key if http is not None and settings.SESSION_ENGINE != COOKIES else None
    user = session.get(SESSION_KEY)
    if key and user is not None:
        if session.get(HTTP_SESSION_KEY) != key:
            session[HTTP_SESSION_KEY] = key
        _checks.note(message.reply_channel.name)
    wanted = [session_group(key), user_group(user)] if conf.close_on_logout and key and user is not None else []
    joined = session.get(GROUPS_KEY, [])
    new = [name for name in wanted if name not in joined]
    for name in new:
        Group(name, channel_layer=message.channel_layer).add(message.reply_channel)
    leave(message, [name for name in joined if name not in wanted])
    if wanted != joined:
        session[GROUPS_KEY] = wanted
    return new


def leave(message, names):
    """Have the socket of `message` leave the groups of these names."""
    for name in names:
        Group(name, channel_layer=message.channel_layer).discard(message.reply_channel)


def _digest(value):
    return hashlib.sha256(force_bytes(value)).hexdigest()[:32]


def session_group(key):
    """Return the name of the group of the sockets that came with the HTTP session `key`."""
    return 'channels-session-' + _digest(key)


def user_group(pk):
    """Return the name of the group of a user's sockets; `pk` is the primary key, or its text."""
    return 'channels-user-' + _digest('%s' % pk)


def close_user_sockets(user, code=UNAUTHORIZED):
    """
    Close all sockets of `user` with the close code `code`.

    It reaches those that were opened under CHANNEL_CLOSE_ON_LOGOUT, by a
    consumer with channel_session_user_from_http or http_user.
    """
    _close(_group_of(user), code)


def _group_of(user):
    return user_group(user._meta.pk.value_to_string(user))


def close_session_sockets(session_key, code=UNAUTHORIZED):
    """As close_user_sockets(), for those that came with one HTTP session."""
    _close(session_group(session_key), code)


def _close(name, code):
    for alias in sorted(conf.channel_layers):
        Group(name, alias=alias).send({'close': code})


def _close_at_commit(group, using):
    """
    Close the sockets of `group`, once the database `using` has committed.

    What it commits logs their user out: a page that opened its socket again
    before would still be logged in. Without a database that is at once.
    """
    def close():
        # A log-out must not fail because Redis is away.
        try:
            _close(group, UNAUTHORIZED)
        except Exception:
            logger.exception('The sockets of a user who was logged out could not be closed.')
    outbox.at_commit(close, using) if using else close()


def on_logout(request, **kwargs):
    """Close the sockets of the HTTP session that a log-out ends."""
    key = getattr(getattr(request, 'session', None), 'session_key', None)
    if conf.close_on_logout and key:
        # Of sessions that aren't in a database none has to be committed.
        model = getattr(request.session, 'model', None)
        _close_at_commit(session_group(key), model and router.db_for_write(model))


def before_save(sender, instance, using, raw=False, update_fields=None, **kwargs):
    """Note on a user who is about to be saved whether that ends log-ins: a new password, or not active any more."""
    if not conf.close_on_logout or raw or instance.pk is None:
        return
    # Each log-in saves the time of it, and that alone.
    fields = {field.name for field in sender._meta.concrete_fields} if update_fields is None else update_fields
    fields = sorted({'password', 'is_active'}.intersection(fields))
    before = fields and sender._base_manager.using(using).filter(pk=instance.pk).values(*fields).first()
    instance._channels_log_out = bool(before) and (
        before.get('password', instance.password) != instance.password or
        before.get('is_active', False) and not instance.is_active
    )


def after_save(instance, using, **kwargs):
    """Close the sockets of a user whose log-ins have ended."""
    if instance.__dict__.pop('_channels_log_out', False):
        _close_at_commit(_group_of(instance), using)


def before_delete(instance, using, **kwargs):
    """Close the sockets of a user who is about to be deleted, while there is a key to know them by."""
    if conf.close_on_logout:
        _close_at_commit(_group_of(instance), using)


def connect_signals():
    """Listen for log-outs and changed users."""
    user_logged_out.connect(on_logout, dispatch_uid='channels.on_logout')
    try:
        user_model = get_user_model()
    except ImproperlyConfigured:
        # A project without users.
        return
    for model in apps.get_models():
        # The sender is the class that was saved, which may be a proxy.
        if issubclass(model, user_model):
            listen_to(model)


def listen_to(model):
    """Listen for changes that are saved through `model`, a class of users."""
    pre_save.connect(before_save, sender=model)
    post_save.connect(after_save, sender=model)
    pre_delete.connect(before_delete, sender=model)

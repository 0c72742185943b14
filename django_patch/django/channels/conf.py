"""
Settings of channels; nothing else in the package reads them.

Nothing is kept between reads, so override_settings() works.
"""
from __future__ import absolute_import

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import empty

from .compat import six


class _Placeholder(object):
    """
    Stands for Django's settings until one is read.

    The package's face imports this module, and a process that uses a layer
    without a project loads none of Django's settings.
    """

    def __getattr__(self, name):
        global settings, _state
        from django.conf import settings
        _state = object.__getattribute__(settings, '__dict__')
        return getattr(settings, name)


settings = _Placeholder()
#: The attributes of Django's settings themselves: what they wrap is in there.
_state = {}

#: The settings of channels.
NAMES = (
    'CHANNEL_ALLOWED_ORIGINS', 'CHANNEL_CLOSE_ON_LOGOUT', 'CHANNEL_LAYERS', 'CHANNEL_ORDERING_TIMEOUT',
    'CHANNEL_SCHEDULES', 'CHANNEL_SEND_ON_COMMIT', 'CHANNEL_SEND_TIMEOUT', 'CHANNEL_SESSION_ENGINE',
    'CHANNEL_SESSION_KEY_IN_QUERY', 'CHANNEL_TRACING', 'CHANNEL_USER_CHECK_INTERVAL', 'CHANNEL_WSGI_EMULATION',
    'CHANNELS_WS_PROTOCOLS',
)
#: What a setting was called before Channels 1.0, and is called now.
FORMER = {'CHANNEL_BACKENDS': 'CHANNEL_LAYERS'}
#: How alike a name has to be to one of ours, of 1, to count as misspelled: two
#: wrong letters, not another word, for other apps have settings as well.
LIKENESS = 0.9


def _quick(name, default):
    """
    Return a setting: one of channels, or one that is read with each message.

    Django has no default for those of channels, and where a project hasn't
    made one, its settings would raise two exceptions on the way. For any
    other, they take three times as long.
    """
    wrapped = _state.get('_wrapped', empty)
    # Until they are read for the first time, there is nothing in there.
    return getattr(settings if wrapped is empty else wrapped, name, default)


def _texts(name, value):
    # Whatever is part of a text is "in" it: of an origin, another site's.
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(
            isinstance(item, (six.text_type, str)) for item in value):
        raise ImproperlyConfigured('%s must be a list of texts, not %r.' % (name, value))
    return value


class Settings(object):

    def misspelled(self):
        """
        Return [(name, right name), ...] of settings that are nearly ours.

        Django ignores a setting that it doesn't know, so without a warning
        nothing would happen.
        """
        from difflib import get_close_matches

        from django.conf import global_settings, settings

        found = []
        for name in dir(settings):
            if name in NAMES or not name.isupper() or hasattr(global_settings, name):
                continue
            right = [FORMER[name]] if name in FORMER else get_close_matches(name, NAMES, 1, LIKENESS)
            if right:
                found.append((name, right[0]))
        return sorted(found)

    @property
    def channel_layers(self):
        """Alias -> {BACKEND, ROUTING, CONFIG, TEST_CONFIG}; {} turns channels off."""
        return _quick('CHANNEL_LAYERS', {})

    @property
    def schedules(self):
        """Name -> {channel, content, cron, ...}: what is sent again and again; {} if it is None."""
        schedules = _quick('CHANNEL_SCHEDULES', {})
        return {} if schedules is None else schedules

    @property
    def tasks(self):
        """Alias -> {BACKEND, QUEUES, OPTIONS}, of Django's tasks."""
        return _quick('TASKS', {}) or {}

    @property
    def secret_keys(self):
        """The SECRET_KEY, and those that it was before."""
        # Django has the second since 4.1; a project may set it on any.
        return [settings.SECRET_KEY] + list(
            settings.SECRET_KEY_FALLBACKS if hasattr(settings, 'SECRET_KEY_FALLBACKS') else ()
        )

    @property
    def session_engine(self):
        """The session backend for channel sessions."""
        return self.own_session_engine or settings.SESSION_ENGINE

    @property
    def own_session_engine(self):
        """The same, if channel sessions have one of their own; else None."""
        return _quick('CHANNEL_SESSION_ENGINE', None)

    @property
    def session_key_in_query(self):
        """Whether a session key in a URL's query (``?session_key=``) is taken for the visitor's."""
        return _quick('CHANNEL_SESSION_KEY_IN_QUERY', False)

    @property
    def user_check_interval(self):
        """Seconds after which a socket's log-in is looked up again; 0 for each message, None for never."""
        return _quick('CHANNEL_USER_CHECK_INTERVAL', 60.0)

    @property
    def close_on_logout(self):
        """Whether a log-out, or a new password, closes the sockets that it concerns."""
        return _quick('CHANNEL_CLOSE_ON_LOGOUT', False)

    @property
    def allowed_origins(self):
        """The origins, beside the site's own, that may open WebSockets; '*' for all."""
        return _texts('CHANNEL_ALLOWED_ORIGINS', _quick('CHANNEL_ALLOWED_ORIGINS', []))

    @property
    def use_forwarded_host(self):
        return settings.USE_X_FORWARDED_HOST

    @property
    def send_on_commit(self):
        """Alias of the database whose commit sends wait for, or None."""
        return _quick('CHANNEL_SEND_ON_COMMIT', None)

    @property
    def send_timeout(self):
        """Seconds that a consumer's sends wait for room in a full channel."""
        return _quick('CHANNEL_SEND_TIMEOUT', 2.0)

    @property
    def tracing(self):
        """Whether OpenTelemetry traces messages."""
        return _quick('CHANNEL_TRACING', False)

    @property
    def ordering_timeout(self):
        """Seconds that an ordered socket waits for a message that may be lost."""
        return _quick('CHANNEL_ORDERING_TIMEOUT', 30.0)

    @property
    def websocket_protocols(self):
        """Sub-protocols that runserver's server accepts."""
        protocols = _quick('CHANNELS_WS_PROTOCOLS', None)
        return None if protocols is None else _texts('CHANNELS_WS_PROTOCOLS', protocols)

    @property
    def wsgi_emulation(self):
        """Whether request.META has the deprecated wsgi.* keys."""
        return _quick('CHANNEL_WSGI_EMULATION', True)

    @property
    def body_memory_limit(self):
        """Bytes of a request's body that are held in memory at most."""
        return settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    @property
    def body_temp_dir(self):
        """The folder for request bodies larger than that, or None."""
        return settings.FILE_UPLOAD_TEMP_DIR

    @property
    def force_script_name(self):
        return _quick('FORCE_SCRIPT_NAME', None)

    @property
    def caches(self):
        """Alias -> {BACKEND, LOCATION, ...}, the same object until the setting changes."""
        return _quick('CACHES', {})

    @property
    def installed_apps(self):
        return settings.INSTALLED_APPS

    @property
    def root_urlconf(self):
        return _quick('ROOT_URLCONF', None)

    @property
    def debug(self):
        return settings.DEBUG

    @property
    def allowed_hosts(self):
        return settings.ALLOWED_HOSTS


conf = Settings()

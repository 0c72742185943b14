"""
Checks of the types of the settings of channels other than CHANNEL_LAYERS.
"""
from __future__ import absolute_import

import re

from django.core.checks import Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .compat.text import text_of_error
from .conf import conf
from .durations import checked_number_of_seconds

#: What browsers send: also for pages that have no host, and for apps.
_ORIGIN = r'(null|[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]*)$'
#: What they leave out.
_USUAL_PORT = r'(http://.*:80|https://.*:443)$'


def check_types():
    """Return the errors of settings whose value nothing could use."""
    return _check_seconds() + _check_lists() + _check_switches() + _check_session_engine()


def _check_seconds():
    errors = []
    for name, value, hint in (
        ('CHANNEL_SEND_TIMEOUT', conf.send_timeout, 'So long a consumer waits for room in a full channel.'),
        ('CHANNEL_ORDERING_TIMEOUT', conf.ordering_timeout, 'So long an ordered socket waits for a lost message.'),
        ('CHANNEL_USER_CHECK_INTERVAL', conf.user_check_interval, 'After so long a log-in is looked up again; '
                                                                  'None is for never.'),
    ):
        if value is None and name == 'CHANNEL_USER_CHECK_INTERVAL':
            continue
        try:
            is_good = checked_number_of_seconds(name, value) >= 0
        except ValueError:
            is_good = False
        if not is_good:
            errors.append(Error(
                '%s must be a number of seconds, 0 or more, not %r.' % (name, value), hint=hint, id='channels.E026',
            ))
    return errors


def _check_lists():
    errors = []
    for name, example in (('allowed_origins', 'https://app.example.com'), ('websocket_protocols', 'chat.v1')):
        try:
            getattr(conf, name)
        except ImproperlyConfigured as error:
            errors.append(Error(text_of_error(error), hint="For example ['%s']." % example, id='channels.E027'))
        else:
            errors.extend(_check_origins() if name == 'allowed_origins' else [])
    return errors


def _check_origins():
    return [
        Warning(
            "CHANNEL_ALLOWED_ORIGINS has '%s', which no browser sends as an origin." % origin,
            hint="Write it as browsers do: scheme, host in lower case, and port unless it is the scheme's own, with "
                 "nothing behind it, such as 'https://app.example.com'.",
            id='channels.W030',
        )
        for origin in conf.allowed_origins
        if origin != '*' and (re.match(_USUAL_PORT, origin) or not re.match(_ORIGIN, origin))
    ]


def _check_switches():
    # Of an environment variable, also "False" and "0" would switch it on.
    return [
        Error(
            '%s must be True or False, not %r.' % (name, value),
            hint="Of text, write what it means: os.environ.get('...') == 'yes', for example.", id='channels.E028',
        )
        for name, value in (
            ('CHANNEL_SESSION_KEY_IN_QUERY', conf.session_key_in_query),
            ('CHANNEL_CLOSE_ON_LOGOUT', conf.close_on_logout),
            ('CHANNEL_TRACING', conf.tracing),
            ('CHANNEL_WSGI_EMULATION', conf.wsgi_emulation),
        )
        if value not in (True, False, None)
    ]


def _check_session_engine():
    engine = conf.own_session_engine
    if not engine:
        return []
    try:
        import_string(engine + '.SessionStore')
    except Exception as error:
        # A module of anybody's, so it may raise anything.
        return [Error(
            "CHANNEL_SESSION_ENGINE, %r, can't be imported: %s" % (engine, text_of_error(error)),
            hint='It is the module of a session backend, such as django.contrib.sessions.backends.db.',
            id='channels.E029',
        )]
    return []

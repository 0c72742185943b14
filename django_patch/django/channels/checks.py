"""
System checks for the settings of channels.

The ids are documented in docs/ref/checks.txt.
"""
from __future__ import absolute_import

from django.core.checks import Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import import_string

from .compat import six
from .compat.coroutines import SUPPORTS_ASYNC, WHAT_ASYNC_NEEDS, is_async_consumer
from .compat.text import text_from_key, text_of_error
from .compat.transactions import has_commit_hooks
from .conf import conf
from .layers import DEFAULT_CHANNEL_LAYER
from .layers.legacy import adapted, missing_methods
from .layers.registry import IMPORT_ERRORS
from .routing import Route, Router
from .setting_checks import check_types

BACKENDS = ("'django.channels.layers.memory.InMemoryChannelLayer' and "
            "'django.channels.layers.redis.RedisChannelLayer' are here.")
CHANNELS_4_BACKEND = ("That is a layer of Channels 2 to 4. Don't install it: with it comes PyPI's channels, which "
                      "takes the place of this one. ")
KEYS = {'BACKEND', 'ROUTING', 'CONFIG', 'TEST_CONFIG'}


def check_channel_layers(app_configs=None, **kwargs):
    """Return the errors and warnings for the settings of channels."""
    layers = conf.channel_layers
    if not isinstance(layers, dict):
        return [Error(
            'CHANNEL_LAYERS must be a dict of alias -> configuration.',
            hint="For example {'default': {'BACKEND': 'django.channels.layers.memory.InMemoryChannelLayer', "
                 "'ROUTING': 'project.routing.routes'}}.",
            id='channels.E001',
        )]
    errors = []
    for alias in sorted(layers, key=repr):
        errors.extend(_check_layer(alias, layers[alias]))
    if layers and DEFAULT_CHANNEL_LAYER not in layers:
        errors.append(Warning(
            "CHANNEL_LAYERS has no '%s'." % DEFAULT_CHANNEL_LAYER,
            hint='Channel and Group use it unless they are given another alias, and so do the commands.',
            id='channels.W002',
        ))
    return errors + check_types() + _check_commit() + _check_sessions(layers) + _check_misspelled_settings()


def _check_layer(alias, config):
    if not isinstance(alias, (six.text_type, str)):
        return [Error(
            'The alias %r in CHANNEL_LAYERS must be text.' % (alias,),
            hint="Channel and Group take it as in Channel('name', alias='default').",
            id='channels.E016',
        )]
    where = "CHANNEL_LAYERS['%s']" % (text_from_key(alias) or repr(alias))
    if not isinstance(config, dict):
        return [Error('%s must be a dict.' % where, hint='It needs a BACKEND and a ROUTING.', id='channels.E003')]
    errors = []
    for key in sorted(set(config) - KEYS, key=str):
        errors.append(Warning(
            '%s has the unknown key %r.' % (where, str(key)),
            hint='The keys are BACKEND, ROUTING, CONFIG and TEST_CONFIG; what configures the layer goes into CONFIG.',
            id='channels.W004',
        ))
    errors.extend(_check_backend(where, config))
    errors.extend(_check_routing(where, config))
    return errors


def _check_backend(where, config):
    if 'BACKEND' not in config:
        return [Error(
            '%s has no BACKEND.' % where,
            hint="Name a layer's class. " + BACKENDS,
            id='channels.E005',
        )]
    try:
        backend = import_string(config['BACKEND'])
    except IMPORT_ERRORS as error:
        return [Error(
            "The BACKEND of %s, %r, can't be imported: %s" % (where, config['BACKEND'], text_of_error(error)),
            hint=_hint_for_backend('%s' % (config['BACKEND'],)),
            id='channels.E006',
        )]
    errors = []
    for key in ('CONFIG', 'TEST_CONFIG'):
        options = config.get(key, {})
        if not isinstance(options, dict):
            errors.append(Error(
                'The %s of %s must be a dict.' % (key, where),
                hint='Its items are the keyword arguments of the BACKEND.',
                id='channels.E007',
            ))
            continue
        if key not in config and key != 'CONFIG':
            continue
        try:
            layer = backend(**options)
        except Exception as error:
            # A class of anybody's, so it may raise anything.
            errors.append(Error(
                "The BACKEND of %s can't be built with its %s: %s" % (where, key, text_of_error(error)),
                hint='The items of %s are the keyword arguments of %s.' % (key, config['BACKEND']),
                id='channels.E008',
            ))
            continue
        missing = missing_methods(layer)
        if missing:
            return [Error(
                'The BACKEND of %s, %s, is not a channel layer: it lacks %s.' %
                (where, config['BACKEND'], ', '.join(missing)),
                hint="Name a layer's class; those of Django are InMemoryChannelLayer and RedisChannelLayer in "
                     "django.channels.layers.memory and .redis.",
                id='channels.E017',
            )]
        if key == 'TEST_CONFIG' and adapted(layer).spans_processes and options == config.get('CONFIG', {}):
            errors.append(Warning(
                'The TEST_CONFIG of %s is the same as its CONFIG.' % where,
                hint="A test against a live server empties its layer: give it another prefix, or another database, "
                     "than the site has.",
                id='channels.W018',
            ))
    return errors


def _check_routing(where, config):
    if 'ROUTING' not in config:
        return [Error(
            '%s has no ROUTING.' % where,
            hint="Give the dotted path of a list of routes, such as 'project.routing.routes', or [] for Django's "
                 "views alone.",
            id='channels.E009',
        )]
    try:
        router = Router(config['ROUTING'])
        routes = router.root.routing
        unusable = [route for route in _flat(routes) if not _has_usable_consumer(route)]
    except (ImproperlyConfigured, ValueError, TypeError) as error:
        return [Error(
            "The ROUTING of %s can't be used: %s" % (where, text_of_error(error)),
            hint='It is a list of route(), route_class() and include(), a dict, or the dotted path of either.',
            id='channels.E010',
        )]
    return _check_async(where, routes) + _check_acknowledged(where, config, router) + [
        Error(
            'The consumer of %r in %s is not callable.' % (route, where),
            hint='Give a function or a class that takes a message, or the dotted path of one.',
            id='channels.E011',
        )
        for route in unusable
    ]


def _check_async(where, routes):
    if SUPPORTS_ASYNC:
        return []
    return [
        Error(
            'The consumer of %r in %s is async, and would never run.' % (route, where),
            hint='Async consumers need %s. Write a plain function instead.' % WHAT_ASYNC_NEEDS,
            id='channels.E020',
        )
        for route in _flat(routes) if is_async_consumer(getattr(route, 'consumer', None))
    ]


def _check_acknowledged(where, config, router):
    channels = sorted(router.acknowledged_channels())
    try:
        backend = import_string(config.get('BACKEND', ''))
    except IMPORT_ERRORS:
        # Another check tells.
        return []
    if not channels or getattr(backend, 'supports_acknowledgement', False):
        return []
    return [Error(
        'The ROUTING of %s calls %s acknowledged, which its BACKEND, %s, can\'t have.' %
        (where, ', '.join(channels), config['BACKEND']),
        hint='Use InMemoryChannelLayer or RedisChannelLayer, or write no `acknowledged`: then a message is lost whose '
             'consumer fails or whose worker dies.',
        id='channels.E022',
    )]


def _hint_for_backend(path):
    if path.startswith('channels_redis.'):
        return CHANNELS_4_BACKEND + BACKENDS
    hint = 'Check the dotted path, and whether the package is installed.'
    return hint if path in BACKENDS else hint + ' ' + BACKENDS


def _has_usable_consumer(route):
    try:
        return callable(route.consumer)
    except AttributeError:
        if isinstance(route, Route):
            raise
        # A project's own kind of route may keep its consumer elsewhere.
        return True


def _flat(routes):
    """Yield the routes in `routes`, and in what they include."""
    for route in routes:
        if hasattr(route, 'routing'):
            for inner in _flat(route.routing):
                yield inner
        else:
            yield route


def _check_commit():
    alias = conf.send_on_commit
    if alias is None or alias is False or alias == '':
        return []
    if not isinstance(alias, (six.text_type, str)) or alias not in connections:
        return [Error(
            'CHANNEL_SEND_ON_COMMIT is not the alias of a database: %r.' % (alias,),
            hint="Use an alias of DATABASES, such as 'default'.",
            id='channels.E012',
        )]
    if not has_commit_hooks():
        return [Error(
            'CHANNEL_SEND_ON_COMMIT needs transaction.on_commit(), which this Django does not have.',
            hint='Use Django 1.9 or later, or remove the setting.',
            id='channels.E013',
        )]
    return []


def _check_sessions(layers):
    if layers and conf.session_engine == 'django.contrib.sessions.backends.signed_cookies':
        return [Warning(
            'Channel sessions cannot live in cookies, since messages have none to set.',
            hint='Set CHANNEL_SESSION_ENGINE to another backend, such as django.contrib.sessions.backends.db.',
            id='channels.W014',
        )]
    return []


def _check_misspelled_settings():
    return [
        Warning(
            'django.channels has no setting %s.' % wrong,
            hint='Is %s meant? If it is the setting of another app, silence this check.' % right,
            id='channels.W019',
        )
        for wrong, right in conf.misspelled()
    ]


def check_origins(app_configs=None, **kwargs):
    """Return a warning if pages of any site may open WebSockets."""
    try:
        origins = conf.allowed_origins
    except ImproperlyConfigured:
        # Another check tells.
        return []
    if not conf.channel_layers or '*' not in origins:
        return []
    return [Warning(
        'Pages of any site may open WebSockets here, with the cookies of your visitors.',
        hint="Take '*' out of CHANNEL_ALLOWED_ORIGINS, and name the origins of other sites that may, such as "
             "'https://app.example.com'.",
        id='channels.W020',
    )]

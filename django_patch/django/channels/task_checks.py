"""
The system check of TASKS, as far as ChannelsBackend runs them.

Django has a check of its own, which asks each backend; but it isn't there
before something has imported `django.tasks`. A project whose routing lacks the
routes of tasks may do that in its first request.
"""
from __future__ import absolute_import

from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured

from .conf import conf
from .exceptions import UnknownChannelLayerError

_EXAMPLE = "For example {'default': {'BACKEND': 'django.channels.tasks.ChannelsBackend'}}."


def check_tasks(app_configs=None, **kwargs):
    """Return the errors of the TASKS whose backend sends to channels."""
    try:
        from .compat.django_tasks import task_backends
    except (ImportError, ImproperlyConfigured):
        # Nobody reads the setting.
        return []
    if not isinstance(conf.tasks, dict):
        return [Error('TASKS must be a dict, not %r.' % (conf.tasks,), hint=_EXAMPLE, id='channels.E031')]
    backends, errors = [], []
    for alias in sorted(conf.tasks, key=str):
        try:
            backends.append(task_backends[alias])
        except Exception as error:
            # A class of anybody's, so it may raise anything.
            errors.append(_unusable(alias, error))
    if errors:
        return errors
    # It makes routes for all of them.
    from .tasks import ChannelsBackend
    for backend in backends:
        if isinstance(backend, ChannelsBackend):
            errors.extend(_check_backend(backend))
    return errors


def _check_backend(backend):
    try:
        layer = backend.layer
        routed = layer.router.channels
    except UnknownChannelLayerError as error:
        return [_unusable(backend.alias, error)]
    except (TypeError, ValueError, ImproperlyConfigured):
        # The check of CHANNEL_LAYERS tells.
        return []
    if not layer.supports_acknowledgement:
        return [Error(
            'The task backend %s uses the channel layer %s, which has no acknowledged channels.' %
            (backend.alias, layer), hint='Use InMemoryChannelLayer or RedisChannelLayer.', id='channels.E023',
        )]
    unread = [name for name in backend.channels() if name not in routed]
    if not unread:
        return []
    return [Error(
        'The task backend %s sends to %s, which no route of the channel layer %s reads.' %
        (backend.alias, ', '.join(unread), layer),
        hint="Add include('django.channels.tasks.channel_routing') to its ROUTING.", id='channels.E024',
    )]


def _unusable(alias, error):
    return Error(
        "TASKS['%s'] can't be used: %s" % (alias, error),
        hint=_EXAMPLE, id='channels.E031',
    )

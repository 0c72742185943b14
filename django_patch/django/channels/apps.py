"""
The app's configuration.
"""
from __future__ import absolute_import

import os
import sys

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import find_commands, get_commands
from django.core.signals import setting_changed

from .app_names import AppName, NameAsListedMixin
from .compat import six


def _check_schedules(app_configs=None, **kwargs):
    from .conf import conf
    if conf.schedules == {}:
        return []
    # What a project without schedules need not load.
    from .schedules.table import check_schedules
    return check_schedules()


def _has_task_backends(tasks):
    """Return whether a setting has others than Django's own, or isn't a dict of dicts."""
    try:
        return not all(params['BACKEND'].startswith('django.tasks.') for params in tasks.values())
    except (AttributeError, KeyError, TypeError):
        return True


def _check_tasks(app_configs=None, **kwargs):
    from .conf import conf
    if not _has_task_backends(conf.tasks):
        return []
    # What a project without tasks of its own need not load.
    from .task_checks import check_tasks
    return check_tasks()


def _listen_to_users():
    label = settings.AUTH_USER_MODEL.partition('.')[0]
    if label in apps.app_configs or apps.is_installed('django.contrib.auth'):
        # A site without users has neither log-outs nor passwords.
        from .socket_users import connect_signals
        connect_signals()


def _start_tracing():
    from . import tracing
    from .conf import conf
    if conf.tracing:
        try:
            tracing.enable()
        except ImportError as error:
            six.raise_from(ImproperlyConfigured('CHANNEL_TRACING is set. %s' % error), error)


class ChannelsConfig(NameAsListedMixin, AppConfig):
    name = AppName('django.channels')
    label = 'channels'
    verbose_name = 'Channels'

    def ready(self):
        from .checks import check_channel_layers, check_origins
        from .layers import channel_layers
        from .package_checks import check_other_channels, check_packages
        checks.register(check_channel_layers, 'channels')
        checks.register(check_packages, 'channels')
        checks.register(check_other_channels, 'channels')
        checks.register(_check_schedules, 'channels')
        checks.register(_check_tasks, 'channels')
        checks.register(check_origins, 'channels', deploy=True)
        _listen_to_users()
        _start_tracing()
        # Its models are there by now. A site without bindings needs not load
        # what they are made of.
        bindings = sys.modules.get(__name__.rpartition('.')[0] + '.binding.base')
        if bindings is not None:
            bindings.BindingMetaclass.register_all()
        # Apps later in INSTALLED_APPS lose their commands to earlier ones;
        # wherever this one stands, its own win.
        for command in find_commands(os.path.join(self.path, 'management')):
            get_commands()[command] = self.name

        def reset(setting, **kwargs):
            if setting == 'CHANNEL_LAYERS':
                channel_layers.reset()

        setting_changed.connect(reset, weak=False, dispatch_uid='channels.reset_layers')

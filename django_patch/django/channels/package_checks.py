"""
Packages that don't go together with this one: layers of the 1.x family that
are too old, and another distribution that has the name `channels`.
"""
from __future__ import absolute_import

import re
from importlib import import_module

from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured

from .compat.installed import find_distribution
from .conf import conf

#: Package -> the first version that keeps the layer contract.
REQUIRED = {'asgi_redis': (1, 2, 0), 'asgi_ipc': (1, 3, 0), 'asgi_rabbitmq': (0, 4, 0)}


def check_all():
    """
    Raise ImproperlyConfigured if CHANNEL_LAYERS names a layer too old.

    Packages that no layer comes from are not imported.
    """
    for config in conf.channel_layers.values():
        package = str(config.get('BACKEND', '')).partition('.')[0]
        if package in REQUIRED:
            _check(package)


def check_packages(app_configs=None, **kwargs):
    """Return an error for a layer that is too old; a system check."""
    layers = conf.channel_layers
    if not isinstance(layers, dict) or not all(isinstance(config, dict) for config in layers.values()):
        # Another check's affair.
        return []
    try:
        check_all()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint='Upgrade it with pip install --upgrade.', id='channels.E015')]
    return []


def check_other_channels(app_configs=None, **kwargs):
    """Return an error if the distribution `channels` is installed; a system check."""
    found = find_distribution('channels')
    if found is None:
        return []
    return [Error(
        "The distribution 'channels' %s is installed in %s: `import channels` finds that, or nothing that works, "
        "instead of django.channels." % found,
        hint="An installer may have brought it for a package that requires it, and another Django along: \"pip "
             "uninstall channels\", install the Django that you want and django-channels-backport again (pip install "
             "--force-reinstall --no-deps), and that package with --no-deps.",
        id='channels.E021',
    )]


def _check(package):
    try:
        version = getattr(import_module(package), '__version__', '')
    except ImportError:
        # The check of the setting says so, with the error's text.
        return
    numbers = tuple(int(number) for number in re.findall(r'\d+', version)[:3])
    if numbers and numbers < REQUIRED[package]:
        raise ImproperlyConfigured('%s %s is too old; install %s %s or later.' % (
            package, version, package, '.'.join(str(number) for number in REQUIRED[package])
        ))

"""
Fingerprints of projects: two on one prefix would answer each other's requests.

A worker says with its beats whose it is. Another project's worker that finds
it there refuses to begin.
"""
from __future__ import absolute_import, unicode_literals

import hashlib
import hmac

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from ..conf import conf
from ..exceptions import LayerUnavailable
from ..layers.presence import WORKER

#: What a fingerprint is made of, so that it is no other hash of the key.
_SALT = b'django.channels.project'


def add_arguments(parser):
    """Add the option to a command's `parser`."""
    parser.add_argument(
        '--any-project', action='store_true', dest='any_project',
        help='Begin although workers of another project, one with another SECRET_KEY, use the same layer and prefix.',
    )


def fingerprints():
    """
    Return this project's fingerprints: of SECRET_KEY, then of its old keys.

    All processes of a project have the same, even if their other settings
    differ. A random key can't be found out from its fingerprint.
    """
    try:
        keys = conf.secret_keys
    except ImproperlyConfigured:
        # There is no key. What needs one says so.
        return []
    return [
        hmac.new(key if isinstance(key, bytes) else key.encode('utf-8'), _SALT, hashlib.sha256).hexdigest()[:16]
        for key in keys if key
    ]


def check_project(layer):
    """
    Raise CommandError if another project's worker reads from `layer`.

    Workers that don't say whose they are, and layers that list no processes or
    can't be reached, are taken to be right.
    """
    own = set(fingerprints())
    if not own or not layer.supports_presence:
        return
    try:
        processes = layer.processes(WORKER)
    except LayerUnavailable:
        # A worker that starts while the layer is away waits for it.
        return
    for process in processes:
        project = process['facts'].get('project')
        if process['alive'] and project and isinstance(project, list) and own.isdisjoint(map(str, project)):
            raise CommandError(
                'Workers of another project are at work on this layer (process %d on %s): each would answer requests '
                'that are for the other. Give each project a "prefix" of its own in CHANNEL_LAYERS. If it is the same '
                'project with a new SECRET_KEY, keep the old one in SECRET_KEY_FALLBACKS, or begin with --any-project.'
                % (process['pid'], process['host'])
            )

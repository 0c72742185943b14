"""
Fingerprints of projects: two on one prefix would answer each other's requests.

A process says with its beats whose it is. One of another project that finds
it there refuses to begin; see BaseChannelLayer.claim().
"""
from __future__ import absolute_import, unicode_literals

import hashlib
import hmac

from django.core.exceptions import ImproperlyConfigured

from .conf import conf

#: What a fingerprint is made of, so that it is no other hash of the key.
_SALT = b'django.channels.project'
#: The fact in which a process says them.
FACT = 'project'


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

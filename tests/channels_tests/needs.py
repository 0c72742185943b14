"""
Programs that tests start: absent, they skip a test by name, and fail it in CI.
"""
from __future__ import absolute_import

import os
import unittest

_PATH = os.environ.get('PATH', os.defpath) + os.pathsep + os.pathsep.join(
    ['/usr/local/bin', '/usr/bin', '/usr/local/sbin', '/usr/sbin']
)


def program(name, package):
    """Return the path of a program that Debian's `package` has."""
    for folder in _PATH.split(os.pathsep):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    missing('There is no %s on PATH; on Debian and Ubuntu: apt install %s' % (name, package))


def missing(explanation):
    """Skip the test, or fail it where .ci/run has installed all it needs."""
    if os.environ.get('CI'):
        raise AssertionError(explanation)
    raise unittest.SkipTest(explanation)

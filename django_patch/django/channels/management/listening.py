"""
The error of a command that can't listen on its address.
"""
from __future__ import absolute_import

import errno

from django.core.management import CommandError


def cannot_listen(error, host, port, option):
    """Return the CommandError for `error`, an EnvironmentError; the port is that of `option`."""
    place = '%s:%d' % ('[%s]' % host if ':' in host else host, port)
    if error.errno == errno.EADDRINUSE:
        text = 'Something else listens on %s: stop it, or choose another port with %s.' % (place, option)
    elif error.errno == errno.EACCES:
        text = 'You may not listen on %s: ports below 1024 need privileges; choose another with %s.' % (place, option)
    else:
        text = "Can't listen on %s: %s." % (place, error.strerror or error)
    return CommandError(text)

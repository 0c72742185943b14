"""
redis-py, or an error that says what to install.

Everything that needs `redis` takes it from here, so that the same advice
comes whichever module is imported first. It is loaded when it is used, which
most servers don't need: that takes longer than all of ours.
"""
from __future__ import absolute_import

from ...compat import six
from ...compat.installed import is_installed

__all__ = ['import_error', 'redis']


def import_error(error):
    """
    Return the ImportError to raise for `error`, the failed import of redis-py.

    That redis-py isn't installed is told apart from what it lacks itself:
    release 8.1 on Python 3.11.2 wants async_timeout, for one.
    """
    # Python 2 has no attribute for it.
    missing = getattr(error, 'name', None) or str(error).rpartition(' ')[2].strip('\'"')
    if missing.partition('.')[0] == 'redis':
        return ImportError(
            'The Redis channel layer needs redis-py 3.5.3 or later. Install it with: pip install redis msgpack'
        )
    return ImportError(
        "The Redis channel layer needs redis-py, which is installed and can't be imported: %s. Install what it lacks, "
        'or reinstall redis-py with its dependencies: pip install --force-reinstall redis' % error
    )


class _Library(object):
    """The module `redis`, imported when something of it is wanted."""
    #: Has that been?
    is_loaded = False

    def __getattr__(self, name):
        try:
            import redis
            import redis.sentinel
        except ImportError as error:
            six.raise_from(import_error(error), error)
        _Library.is_loaded = True
        return getattr(redis, name)


if not is_installed('redis'):
    raise import_error(ImportError('No module named redis'))

redis = _Library()

"""
The wsgi.* keys in request.META, for code that can't do without them yet.

A request that came as a message has no WSGI environ. While the deprecation
lasts, META has the seven keys below all the same, and reading one warns. The
setting CHANNEL_WSGI_EMULATION = False takes them out, as the end of the
deprecation will: then delete this module whole, with the three lines that
use it in http/request.py.
"""
from __future__ import absolute_import

import io
import sys
import warnings

from . import RemovedAfterNextVersionWarning

__all__ = ['EmulatedMeta', 'emulate']

#: The keys, and what the warning tells to use in place of each.
REPLACEMENTS = {
    'wsgi.version': 'It says nothing about a request that came over a channel.',
    'wsgi.url_scheme': 'Use request.is_secure() or request.scheme.',
    'wsgi.input': 'Use request.read() or request.body.',
    'wsgi.errors': 'Use the logging module.',
    'wsgi.multithread': 'Code should expect other threads.',
    'wsgi.multiprocess': 'Code should expect other processes.',
    'wsgi.run_once': 'Code should expect more requests.',
}
#: What is the same for each request.
_FIXED = {'wsgi.version': (1, 0), 'wsgi.multithread': True, 'wsgi.multiprocess': True, 'wsgi.run_once': False}


class EmulatedMeta(dict):
    """
    META in which reading a wsgi.* key warns.

    Building, copying, iterating and printing it do not, so that neither the
    debug page nor an error mail warns about code that nobody wrote.
    """
    __slots__ = ()

    def __getitem__(self, key):
        if key in REPLACEMENTS:
            _warn(key)
        return dict.__getitem__(self, key)

    def get(self, key, default=None):
        if key in REPLACEMENTS:
            _warn(key)
        return dict.get(self, key, default)

    def pop(self, key, *default):
        if key in REPLACEMENTS:
            _warn(key)
        return dict.pop(self, key, *default)

    def setdefault(self, key, default=None):
        if key in REPLACEMENTS:
            _warn(key)
        return dict.setdefault(self, key, default)

    def copy(self):
        return type(self)(self)


class BufferedInput(object):
    """
    The file object under wsgi.input: the whole body, buffered on first use.

    It reads from the request's own stream, so what was read from one can't
    be read from the other, as under WSGI.
    """

    def __init__(self, stream):
        self._stream = stream

    def _buffered(self):
        stream = self._stream
        if stream.closed:
            # Django closes the stream once request.body has read it.
            return io.BytesIO()
        if hasattr(stream, 'buffer'):
            stream.buffer()
        return stream

    def read(self, *args):
        return self._buffered().read(*args)

    def readline(self, *args):
        return self._buffered().readline(*args)

    def readlines(self, *args):
        return self._buffered().readlines(*args)

    def seek(self, *args):
        return self._buffered().seek(*args)

    def tell(self):
        return self._buffered().tell()

    def __iter__(self):
        return iter(self._buffered())


def emulate(meta, scheme, stream):
    """
    Return `meta` (a dict of CGI keys) with the wsgi.* keys added.

    `scheme` is "http" or "https"; `stream` is the request's body as a file.
    """
    meta = EmulatedMeta(meta)
    meta.update(_FIXED)
    meta['wsgi.url_scheme'] = scheme
    meta['wsgi.input'] = BufferedInput(stream)
    meta['wsgi.errors'] = sys.stderr
    return meta


def _warn(key):
    # Three frames up is the line that read the key.
    warnings.warn(
        "The key '%s' of request.META is deprecated for requests that come over a channel. %s" %
        (key, REPLACEMENTS[key]), RemovedAfterNextVersionWarning, stacklevel=3
    )

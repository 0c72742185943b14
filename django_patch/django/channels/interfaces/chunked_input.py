"""
The body of a chunked request where a server leaves `wsgi.input` empty.
"""
from __future__ import absolute_import


class ChunkedInput(object):
    """
    The body of a chunked request where `wsgi.input` is empty: under uWSGI.

    `read_chunk()` returns the next piece, and an empty one at the end.
    """

    def __init__(self, read_chunk):
        self._read_chunk = read_chunk
        self._rest = b''

    def read(self, size):
        """Return up to `size` bytes, none only at the end."""
        content = self._rest or self._read_chunk()
        self._rest = content[size:]
        return content[:size]

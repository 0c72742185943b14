"""
Text and bytes where WSGI wants Python's native string.

Native strings hold one byte a character: text decoded as Latin-1 on Python
3 (PEP 3333), and byte strings on Python 2. Delete the Python 2 half when
Python 2.7 support ends.
"""
from __future__ import absolute_import

import codecs

from django.utils.encoding import force_bytes

from . import six

__all__ = ['is_text', 'native_from_bytes', 'native_from_text', 'wire_bytes']

if six.PY2:
    def native_from_bytes(value):
        """Return the native string that stands for the bytes `value`."""
        return value if type(value) is bytes else value.encode('latin-1')

    def native_from_text(value):
        """Return text (or bytes that stand for it) as a native string."""
        return value if type(value) is bytes else value.encode('utf-8')

    def is_text(value):
        """Return whether `value` is text; a native string in UTF-8 is."""
        if isinstance(value, bytes):
            try:
                value.decode('utf-8')
            except UnicodeDecodeError:
                return False
            return True
        return isinstance(value, six.text_type)
else:
    # The codec itself: it is called for each header of each request.
    _latin1_decode = codecs.latin_1_decode

    def native_from_bytes(value):
        """Return the native string that stands for the bytes `value`."""
        return value if type(value) is str else _latin1_decode(value)[0]

    def native_from_text(value):
        """Return text (or bytes that stand for it) as a native string."""
        return value if type(value) is str else value.decode('utf-8')

    def is_text(value):
        """Return whether `value` is text."""
        return isinstance(value, str)


def wire_bytes(value):
    """
    Return the bytes that a native string, or anything with a str(), is on
    the wire.
    """
    if isinstance(value, six.text_type):
        try:
            return value.encode('latin-1')
        except UnicodeEncodeError:
            return value.encode('utf-8')
    return force_bytes(value)

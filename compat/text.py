"""
Text and bytes where WSGI, or an exception, has Python's native string.

Native strings hold one byte a character: text decoded as Latin-1 on Python
3 (PEP 3333), and byte strings on Python 2. Delete the Python 2 half when
Python 2.7 support ends.
"""
from __future__ import absolute_import

import codecs
import re
import traceback

from django.utils.encoding import force_bytes

from . import six

__all__ = [
    'NATIVE_IS_BYTES', 'has_lone_surrogate', 'is_ascii', 'is_text', 'joined', 'native_from_bytes', 'native_from_text',
    'text_from_key', 'text_of_error', 'text_of_traceback', 'wire_bytes',
]


def _is_ascii(text):
    """Return whether `text` has none but the 128 characters of ASCII."""
    try:
        text.encode('ascii')
    except UnicodeEncodeError:
        return False
    return True


if six.PY2:
    def joined(buffers):
        """Return `buffers`, bytes and views, as one bytes."""
        return b''.join([buffer if type(buffer) is bytes else buffer.tobytes() for buffer in buffers])

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

    #: Are native strings bytes? Then UTF-8 also writes, and reads, half of a
    #: surrogate pair.
    NATIVE_IS_BYTES = True
    # Some builds of it have pairs where others have one character.
    _lone_surrogate = re.compile(u'[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]')

    def has_lone_surrogate(text):
        """Return whether `text` has half of a surrogate pair."""
        return _lone_surrogate.search(text) is not None

    is_ascii = _is_ascii

    def text_from_key(key):
        """Return the key of a dict, text or native, as text; None if it is not."""
        if isinstance(key, bytes):
            try:
                return key.decode('utf-8')
            except UnicodeDecodeError:
                return None
        return None if has_lone_surrogate(key) else six.text_type().join((key,))

    def text_of_error(error):
        """Return what an exception says, as text: its repr() where that is bytes in an unknown encoding."""
        try:
            return six.text_type(error)
        except UnicodeError:
            return six.text_type(repr(error))

    def text_of_traceback(exc_info):
        """Return the traceback of `exc_info`, as sys.exc_info() has it, as text."""
        return ''.join(traceback.format_exception(*exc_info)).decode('utf-8', 'replace')
else:
    joined = b''.join

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

    NATIVE_IS_BYTES = False

    def has_lone_surrogate(text):
        """Return whether `text` has half of a surrogate pair."""
        try:
            text.encode('utf-8')
        except UnicodeEncodeError:
            return True
        return False

    if hasattr(str, 'isascii'):
        # Python 3.7: a text knows, and need not be looked at.
        is_ascii = str.isascii
    else:
        is_ascii = _is_ascii

    def text_from_key(key):
        """Return the key of a dict as text; None if it is not text."""
        return None if has_lone_surrogate(key) else ''.join((key,))

    #: Return what an exception says, as text.
    text_of_error = str

    def text_of_traceback(exc_info):
        """Return the traceback of `exc_info`, as sys.exc_info() has it, as text."""
        return ''.join(traceback.format_exception(*exc_info))


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

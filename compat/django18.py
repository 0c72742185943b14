"""
Django 1.8 and 1.9. Delete when Django < 1.10 support ends.
"""
from __future__ import absolute_import

import codecs

from django.utils import six
from django.utils.deprecation import RemovedInDjango20Warning as RemovedAfterNextVersionWarning

__all__ = [
    'BAD_REQUEST_ERRORS', 'URLS_MODULE', 'RemovedAfterNextVersionWarning', 'decode_path', 'set_content_type', 'six',
]


#: Where Django keeps reverse() and the script prefix. A name, because the
#: module imports Django's HTTP.
URLS_MODULE = 'django.core.urlresolvers'

#: What a malformed request raises while it is being read.
BAD_REQUEST_ERRORS = (UnicodeDecodeError,)


def decode_path(path):
    """Return the text of a path that was sent as bytes, unquoted."""
    return path.decode('utf-8')


def set_content_type(request):
    """Set the encoding of `request` and the attributes for its Content-Type, as Channels 1.x and Django 1.10 do."""
    import cgi
    request.content_type, request.content_params = cgi.parse_header(request.META.get('CONTENT_TYPE', ''))
    charset = request.content_params.get('charset')
    if charset is not None:
        try:
            codecs.lookup(charset)
        except LookupError:
            pass
        else:
            request.encoding = charset

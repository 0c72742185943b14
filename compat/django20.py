"""
Django 2.0 and later, which has no six.
"""
from __future__ import absolute_import

import codecs

import six
from django.core import exceptions
from django.utils import deprecation
from django.utils.encoding import repercent_broken_unicode

__all__ = [
    'BAD_REQUEST_ERRORS', 'URLS_MODULE', 'RemovedAfterNextVersionWarning', 'decode_path', 'set_content_type', 'six',
]


def _removed_after_next_version_warning():
    # Django 4.2 and later have the name; delete the search when Django < 4.2
    # support ends.
    try:
        return deprecation.RemovedAfterNextVersionWarning
    except AttributeError:
        return next(
            value for name, value in sorted(vars(deprecation).items())
            if name.startswith('RemovedInDjango') and issubclass(value, PendingDeprecationWarning)
        )


RemovedAfterNextVersionWarning = _removed_after_next_version_warning()


#: Where Django keeps reverse() and the script prefix. A name, because the
#: module imports Django's HTTP.
URLS_MODULE = 'django.urls'

#: What a malformed request raises while it is being read.
BAD_REQUEST_ERRORS = (UnicodeDecodeError,)
if hasattr(exceptions, 'BadRequest'):
    # Django 3.2 and later.
    BAD_REQUEST_ERRORS += (exceptions.BadRequest,)


def decode_path(path):
    """Return the text of a path that was sent as bytes, unquoted."""
    return repercent_broken_unicode(path).decode('utf-8')


def set_content_type(request):
    """Set what `request` has of its Content-Type, and its encoding by it."""
    if hasattr(request, '_set_content_type_params'):
        request._set_content_type_params(request.META)
        return
    # Delete when Django < 3.0 support ends.
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

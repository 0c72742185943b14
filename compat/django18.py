"""
Django 1.8 and 1.9. Delete when Django < 1.10 support ends.
"""
from __future__ import absolute_import

from .native import BAD_REQUEST_ERRORS, RemovedAfterNextVersionWarning, decode_path, set_content_type, six

__all__ = [
    'BAD_REQUEST_ERRORS', 'URLS_MODULE', 'RemovedAfterNextVersionWarning', 'decode_path', 'set_content_type', 'six',
]


#: Where Django keeps reverse() and the script prefix. A name, because the
#: module imports Django's HTTP.
URLS_MODULE = 'django.core.urlresolvers'

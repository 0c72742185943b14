"""
Django 1.11. Delete when Django < 2.0 support ends.
"""
from __future__ import absolute_import

from django.utils.deprecation import RemovedInDjango21Warning as RemovedAfterNextVersionWarning
from django.utils.encoding import repercent_broken_unicode

from .native import BAD_REQUEST_ERRORS, URLS_MODULE, set_content_type, six

__all__ = [
    'BAD_REQUEST_ERRORS', 'URLS_MODULE', 'RemovedAfterNextVersionWarning', 'decode_path', 'set_content_type', 'six',
]


def decode_path(path):
    """Return the text of a path that was sent as bytes, unquoted."""
    return repercent_broken_unicode(path).decode('utf-8')

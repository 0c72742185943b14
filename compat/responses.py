"""
Parts of Django's responses that are no public ones: they have other names in
older versions, or are only there inside of something larger.

Delete what asks for them by hasattr() when Django < 3.2 support ends.
"""
from __future__ import absolute_import

from django.http import response as django_response
from django.http.response import HttpResponseBase

__all__ = ['closers_of', 'has_own_close', 'header_items', 'run_closers']

#: The class of a response's headers, since Django 3.2.
_Headers = getattr(django_response, 'ResponseHeaders', None)


def header_items(response):
    """Return an iterable of the (name, value) of the headers of `response`, without its cookies."""
    # As items() does, which takes three calls for each.
    if _Headers is None:
        return response._headers.values()
    headers = response.headers
    # A view may have put anything in their place that has items.
    return headers._store.values() if type(headers) is _Headers else response.items()


def closers_of(response):
    """Return the list of what is closed with `response`; it may be extended."""
    return response._resource_closers if hasattr(response, '_resource_closers') else response._closable_objects


def has_own_close(response):
    """Return whether the close() of `response` is another than Django's responses have."""
    # What stands for a response, as middleware may return it, has one that is
    # found elsewhere.
    return getattr(type(response), 'close', None) != HttpResponseBase.close or 'close' in vars(response)


def run_closers(response):
    """Close `response` as HttpResponseBase.close() does, but don't send request_finished."""
    are_functions = hasattr(response, '_resource_closers')
    for closer in closers_of(response):
        try:
            closer() if are_functions else closer.close()
        except Exception:
            # Django's close() says nothing of it, either.
            pass
    if are_functions:
        response._resource_closers.clear()
    response.closed = True

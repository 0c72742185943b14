"""
Django's signals around a request, without calls that have nothing to do.

Where nobody else listens, their receivers are Django's own: they look after
connections to databases and caches, and put the URLconf back. For a thread
that has never had a connection, and caches that close nothing, to find them
and to have them look takes a fifth of the time of a small request.
"""
from __future__ import absolute_import

from django.core import signals
from django.core.handlers import base
from django.db import close_old_connections, reset_queries
from django.dispatch.dispatcher import NONE_ID, _make_id
from django.utils.module_loading import import_string

from ..compat.responses import has_own_close, run_closers
from ..conf import conf
from ..signals import has_connected

#: What puts the URLconf back, since Django 2.2.
reset_urlconf = getattr(base, 'reset_urlconf', None)


class _Receivers(object):
    """Those of `signal`; `get_own` returns a list of the functions that are Django's."""

    def __init__(self, signal, get_own):
        self._signal = signal
        self._get_own = get_own
        # What the signal had at the last look, and whether it was Django's.
        self._known = None, False

    def are_own(self):
        """Return whether they are Django's, all of those and no others."""
        receivers = self._signal.receivers
        seen, are_own = self._known
        if receivers != seen:
            own = {(_make_id(receiver), NONE_ID) for receiver in self._get_own()}
            are_own = {receiver[0] for receiver in receivers} == own
            self._known = list(receivers), are_own
        return are_own


def _own_on_start():
    return [reset_queries, close_old_connections]


def _own_on_end():
    # Django 1.8's caches can't be imported before there are settings.
    from django.core.cache import close_caches
    return [close_old_connections, close_caches] + ([reset_urlconf] if reset_urlconf else [])


_on_start = _Receivers(signals.request_started, _own_on_start)
_on_end = _Receivers(signals.request_finished, _own_on_end)


class _Caches(object):
    """The project's caches; Django closes those that a thread has made when its request ends."""

    def __init__(self):
        # The setting at the last look, and what was found.
        self._known = None, False

    def need_closing(self):
        """Return whether closing one may do anything."""
        caches = conf.caches
        seen, need_closing = self._known
        if caches is not seen:
            need_closing = any(_has_close(cache.get('BACKEND', '')) for cache in caches.values())
            self._known = caches, need_closing
        return need_closing


def _has_close(backend):
    from django.core.cache.backends.base import BaseCache
    try:
        # A function that returns a cache will do for Django.
        return getattr(import_string(backend), 'close', None) != BaseCache.close
    except Exception:
        # Who uses it hears of that.
        return True


_caches = _Caches()


def start(handler_class, message, environ):
    """Send request_started for `message`, a request Message whose META is `environ`."""
    if has_connected() or not _on_start.are_own():
        signals.request_started.send(sender=handler_class, message=message, environ=environ)


def close(response, keeps_urlconf=False):
    """
    Close `response`, which sends request_finished.

    With `keeps_urlconf`, the URLconf need not be put back: it is the site's,
    and somebody else will.
    """
    if has_connected() or has_own_close(response) or not _on_end.are_own() or _caches.need_closing():
        response.close()
        return
    run_closers(response)
    if reset_urlconf is not None and not keeps_urlconf:
        reset_urlconf(sender=response._handler_class)

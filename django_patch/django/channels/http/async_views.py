"""
Detection of requests for async views, before Django handles them.
"""
from __future__ import absolute_import

from importlib import import_module

from ..compat import URLS_MODULE
from ..compat.coroutines import is_coroutine_function
from ..conf import conf
from ..names import split_path

urls = import_module(URLS_MODULE)


class AsyncViews(object):
    """
    The async views of the URLconf that the settings name.

    Only where there are any is a request's path looked up here, a second time.
    """

    def __init__(self):
        # URLconf -> whether it has any.
        self._found = {}

    def has(self, message):
        """Return whether the path of `message`, an http.request, leads to an async view."""
        try:
            urlconf = conf.root_urlconf
            if urlconf not in self._found:
                self._found[urlconf] = _has_any(urls.get_resolver(urlconf).url_patterns)
            if not self._found[urlconf]:
                return False
            path = split_path(message['path'], message.get('root_path') or '') or '/'
            return is_coroutine_function(urls.get_resolver(urlconf).resolve(path).func)
        except Exception:
            # Django's handler meets and reports the same fault of the URLconf
            # or the request.
            return False


def _has_any(patterns):
    return any(
        _has_any(pattern.url_patterns) if hasattr(pattern, 'url_patterns') else
        is_coroutine_function(pattern.callback)
        for pattern in patterns
    )

"""
The root path of a message: what a site's paths and addresses begin with.
"""
from __future__ import absolute_import

from importlib import import_module

from .compat import URLS_MODULE
from .conf import conf
from .filters import as_text

urls = import_module(URLS_MODULE)


def add_root_path(content):
    """
    Give a socket's message, `content`, the root path that its server doesn't
    tell.

    daphne 1.4.2 knows one for requests alone.
    """
    if not content.get('root_path') and conf.force_script_name:
        content['root_path'] = as_text(conf.force_script_name)


def set_script_prefix(content, before=None):
    """
    Have reverse() begin addresses as it does in the views of a request with
    that `content`.

    Return what they begin with now; `before` is that, if it is known.
    """
    forced = conf.force_script_name
    prefix = content.get('root_path') if forced is None else forced
    if not prefix:
        return before
    prefix = as_text(prefix)
    urls.set_script_prefix(prefix)
    return prefix if prefix.endswith('/') else prefix + '/'

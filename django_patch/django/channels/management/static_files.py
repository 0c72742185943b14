"""
The consumer that serves static files in development.
"""
from __future__ import absolute_import

from django.apps import apps

from ..conf import conf


def static_files_consumer(options):
    """
    Return the http.request consumer that serves static files as well.

    Return None, which stands for the usual consumer, where Django's own
    runserver wouldn't serve them either.
    """
    if not apps.is_installed('django.contrib.staticfiles'):
        return None
    if not options.get('use_static_handler', True):
        return None
    if not (conf.debug or options.get('insecure_serving')):
        return None
    from ..staticfiles import StaticFilesConsumer
    return StaticFilesConsumer()

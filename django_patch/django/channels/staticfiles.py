"""
Static files served by the consumer of requests, for development.

As `django.contrib.staticfiles.handlers`, for requests that come over a
channel.
"""
from __future__ import absolute_import

from django.conf import settings
from django.contrib.staticfiles import utils
from django.contrib.staticfiles.views import serve
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404
from django.views import debug

from .compat import six
from .http.handler import ChannelHandler, ViewConsumer

url2pathname = six.moves.urllib.request.url2pathname
urlparse = six.moves.urllib.parse.urlparse


class StaticFilesHandler(ChannelHandler):
    """Serves what lies under STATIC_URL, and hands on the rest."""
    # Tells a receiver of request_finished which handler it was.
    handles_files = True

    def __init__(self, *args, **kwargs):
        super(StaticFilesHandler, self).__init__(*args, **kwargs)
        self.base_url = urlparse(self.get_base_url())

    def get_base_url(self):
        utils.check_settings()
        return settings.STATIC_URL

    def _should_handle(self, path):
        """
        Return whether `path` is that of a static file of this server.

        It isn't if STATIC_URL names another host.
        """
        return path.startswith(self.base_url.path) and not self.base_url.netloc

    def file_path(self, url):
        """Return where the file for `url` lies, relative to its storage."""
        return url2pathname(url[len(self.base_url.path):])

    def serve(self, request):
        return serve(request, self.file_path(request.path), insecure=True)

    def get_response(self, request):
        if not self._should_handle(request.path):
            return super(StaticFilesHandler, self).get_response(request)
        try:
            return self.serve(request)
        except (Http404, SuspiciousFileOperation) as error:
            # A path that leads out of the folder names no static file.
            if settings.DEBUG:
                return debug.technical_404_response(request, error)
            return super(StaticFilesHandler, self).get_response(request)


class StaticFilesConsumer(ViewConsumer):
    """The consumer for "http.request" that serves static files, too."""
    handler_class = StaticFilesHandler

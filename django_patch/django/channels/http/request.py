"""
Django's request, made from a message.
"""
from __future__ import absolute_import

import io

from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError

from ..compat import set_content_type, six
from ..compat.text import native_from_text
from ..compat.wsgi import emulate
from ..conf import conf
from ..exceptions import RequestAborted, RequestTimeout, ResponseLater
from .body import BodyStream, ChunkReader
from .messages import note_version
from .meta import meta_from_message


class ChannelRequest(WSGIRequest):
    """
    The request that `message`, an "http.request" Message, stands for.

    What it has in common with a WSGI request it inherits: GET, POST, FILES,
    COOKIES and the rest read META and the stream as they do there. Nothing
    is read from the body channel before a view asks for it.
    """
    ResponseLater = ResponseLater
    RequestTimeout = RequestTimeout
    RequestAborted = RequestAborted

    #: Seconds that a piece of the body may be late.
    body_receive_timeout = 60

    #: Did the view raise ResponseLater?
    response_later = False

    def __init__(self, message):
        self.message = message
        self.reply_channel = message.reply_channel
        content = message.content
        if 'method' not in content and (message.channel.name or '').startswith('websocket.'):
            # RFC 6455 section 4.1: a handshake is a GET request. The messages
            # of a socket don't say so.
            content = dict(content, method='GET')
        note_version(content)
        meta = meta_from_message(content, conf.force_script_name)
        self.script_name = meta['SCRIPT_NAME']
        self.path_info = meta['PATH_INFO']
        # Only the first slash: /app//page and /app/page are two paths.
        self.path = '%s/%s' % (self.script_name.rstrip('/'), self.path_info.replace('/', '', 1))
        self.method = meta['REQUEST_METHOD'].upper()
        self._scheme = native_from_text(content.get('scheme') or 'http')
        self._stream = self._make_stream(content, meta)
        if conf.wsgi_emulation:
            meta = emulate(meta, self._scheme, self._stream)
        # WSGIRequest reads what it needs from the former, views the latter.
        self.environ = self.META = meta
        if 'CONTENT_TYPE' in meta:
            set_content_type(self)
        else:
            self.content_type, self.content_params = '', {}
        self._post_parse_error = False
        self._read_started = False
        self.resolver_match = None

    def _make_stream(self, content, meta):
        body = content.get('body') or b''
        channel = content.get('body_channel')
        self._incoming = None
        if channel is None:
            return io.BytesIO(body)
        try:
            length = int(meta['CONTENT_LENGTH'])
        except (KeyError, ValueError):
            length = None
        reader = ChunkReader(self.message.channel_layer, channel, self.body_receive_timeout)
        self._incoming = BodyStream(body, reader, length, conf.body_memory_limit, conf.body_temp_dir)
        return self._incoming

    def _get_scheme(self):
        return self._scheme

    @property
    def body_failure(self):
        """The RequestTimeout or RequestAborted of the body, or None."""
        return None if self._incoming is None else self._incoming.failure

    @property
    def body(self):
        self._measure_body()
        return super(ChannelRequest, self).body

    def _load_post_and_files(self):
        self._measure_body()
        super(ChannelRequest, self)._load_post_and_files()

    def _measure_body(self):
        # Django's limits and its multipart parser go by Content-Length,
        # which a body in pieces may come without.
        if self._incoming is not None and not self._read_started and 'CONTENT_LENGTH' not in self.META:
            try:
                self.META['CONTENT_LENGTH'] = str(self._incoming.buffer())
            except IOError as error:
                six.raise_from(UnreadablePostError(*error.args), error)

    def receive_body(self):
        """Wait for the rest of the body. If it doesn't come, reading the body raises the error."""
        if self._incoming is not None:
            try:
                self._incoming.buffer()
            except IOError:
                # It is kept as `body_failure`, too.
                pass

    def close(self):
        super(ChannelRequest, self).close()
        if self._incoming is not None:
            self._incoming.discard()

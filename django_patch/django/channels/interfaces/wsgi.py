"""
A WSGI application that forwards requests into a channel layer.

So gunicorn, uWSGI or mod_wsgi can stand in front of workers. In a project's
wsgi.py::

    from django.channels.asgi import get_channel_layer
    from django.channels.interfaces.wsgi import WSGIInterface

    application = WSGIInterface(get_channel_layer())

Requests and responses stream through. WebSockets need an interface server.
"""
from __future__ import absolute_import

import functools
import logging

from .. import names
from ..compat import six
from ..compat.clock import monotonic
from ..compat.text import native_from_bytes
from ..exceptions import ChannelsError, LayerUnavailable, MalformedMessage, MessageTooLarge
from ..http.meta import message_from_environ
from ..layers.blocking import send_blocking
from ..layers.legacy import adapted
from ..layers.pace import Lead
from ..layers.presence import DISCONNECT_CHANNEL
from . import bridge, disconnects
from .chunked_input import ChunkedInput
from .project_watch import ProjectWatch
from .refusals import REASONS, Refused, away, busy
from .replies import ReplyReader

logger = logging.getLogger('django.channels')


class WSGIInterface(object):
    """
    The application for `channel_layer`.

    `timeout` is how many seconds a worker has to begin its answer, and
    between two pieces of it; a client gets a 504 otherwise, or, once the
    answer has begun, a broken connection. `inline_body_size` and
    `body_chunk_size` are the bytes of a request's body in its message and in
    each message after it; `response_buffer` those of a response that wait for
    a slow client here. `queue_timeout` is how many seconds a request may wait
    for room in its channel, first come first served, before it gets a 503.
    Each does while processes of another project use the layer, and none of
    this one does, unless `any_project` is true.
    """

    def __init__(self, channel_layer, timeout=120.0, inline_body_size=bridge.INLINE_BODY_SIZE,
                 body_chunk_size=bridge.BODY_CHUNK_SIZE, response_buffer=4 * 1024 * 1024, queue_timeout=10.0,
                 any_project=False):
        self.channel_layer = channel_layer = adapted(channel_layer)
        self.timeout = timeout
        self.queue_timeout = queue_timeout
        self.inline_body_size = inline_body_size
        self.body_chunk_size = body_chunk_size
        self.replies = ReplyReader(channel_layer, self.disown, limit=response_buffer)
        self.project_watch = None if any_project else ProjectWatch(channel_layer)
        self.disconnects = disconnects.WatchingDisconnects(
            channel_layer, functools.partial(self.send_quietly, DISCONNECT_CHANNEL),
        )

    def __call__(self, environ, start_response):
        exchange = WSGIExchange(self, environ)
        try:
            exchange.send_request()
            part = exchange.next_part()
        except Refused as refusal:
            exchange.end()
            part = bridge.error_page(refusal.status, REASONS[refusal.status], refusal.detail)
            part.headers.extend(refusal.headers)
        except BaseException:
            exchange.end()
            raise
        start_response(
            str('%d %s' % (part.status, REASONS.get(part.status, 'Unknown Status Code'))),
            [(native_from_bytes(name), native_from_bytes(value)) for name, value in part.headers],
        )
        if part.more_content:
            return Stream(exchange, part.content)
        exchange.end()
        return [part.content]

    def disown(self, reply_channel):
        """Let the worker know that nobody waits for the rest of a response."""
        self.send_quietly(names.disconnect_channel(reply_channel), bridge.body_closed())

    def send_quietly(self, channel, message):
        """Send `message` if there is room; drop it otherwise."""
        try:
            self.channel_layer.send(channel, message)
        except (self.channel_layer.ChannelFull, ChannelsError) as error:
            logger.debug('A message for %s was dropped: %s', channel, error)


class WSGIExchange(object):
    """A request, and its answer."""

    def __init__(self, interface, environ):
        self.interface = interface
        self.environ = environ
        self.path = environ.get('PATH_INFO', '')
        self.channel_layer = interface.channel_layer
        self.reply = bridge.HttpReply(environ['REQUEST_METHOD'].upper())
        self.box = interface.replies.open()
        self.was_sent = False
        self.input = environ['wsgi.input']

    # The request

    def send_request(self):
        """Send the request with all of its body; raise Refused if that fails."""
        body_size = self._body_size()
        body = self._read_body(self.interface.inline_body_size if body_size is None else min(
            body_size, self.interface.inline_body_size
        ))
        rest = None if body_size is None else body_size - len(body)
        if rest is None and len(body) < self.interface.inline_body_size:
            rest = 0
        channel = self.channel_layer.new_channel(u'http.request.body?') if rest != 0 else None
        try:
            message = message_from_environ(self.environ, self.box.name, body, channel)
        except UnicodeDecodeError:
            raise Refused(400)
        self.path = message['path']
        if not self.channel_layer.can_hear(self.box.name):
            # A worker would do the work, and its answer find no way here.
            logger.warning('The request for %s was refused: the server of its answer is away.', self.path)
            raise away()
        watch = self.interface.project_watch
        if watch is not None and watch.is_refused():
            raise Refused(503, "This server isn't set up correctly.")
        try:
            send_blocking(self.channel_layer, 'http.request', message, self.interface.queue_timeout)
        except (self.channel_layer.ChannelFull, LayerUnavailable) as error:
            logger.warning('The request for %s was refused: %s', self.path, error)
            raise away() if isinstance(error, LayerUnavailable) else busy(self.interface.queue_timeout)
        except MessageTooLarge:
            raise Refused(413)
        self.was_sent = True
        if channel is not None:
            self._send_body(channel, rest)

    def _body_size(self):
        """Return the bytes of body to come, or None for all until its end; raise Refused."""
        try:
            return max(0, int(self.environ['CONTENT_LENGTH']))
        except (KeyError, ValueError):
            if self.environ.get('wsgi.input_terminated'):
                return None
        if 'HTTP_TRANSFER_ENCODING' not in self.environ:
            return 0
        if 'uwsgi.version' not in self.environ:
            logger.warning('A chunked request was refused: the server has no end to its body (wsgi.input_terminated).')
            raise Refused(411)
        # There is such a module in uWSGI's processes only.
        import uwsgi
        self.input = ChunkedInput(uwsgi.chunked_read)
        return None

    def _read_body(self, size):
        parts = []
        while size > 0:
            part = self.input.read(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b''.join(parts)

    def _send_body(self, channel, rest):
        more_content, lead = True, Lead(self.channel_layer, channel)
        while more_content:
            size = self.interface.body_chunk_size if rest is None else min(rest, self.interface.body_chunk_size)
            try:
                content = self._read_body(size)
            except IOError:
                self.interface.send_quietly(channel, bridge.body_closed())
                raise
            if rest is None:
                more_content = len(content) == size
            else:
                rest -= len(content)
                more_content = rest > 0
                if len(content) < size:
                    # The client went away, and nobody waits for an answer.
                    self.interface.send_quietly(channel, bridge.body_closed())
                    raise IOError('The client went away before its request was complete.')
            if not self._send_chunk(lead, bridge.body_chunk(content, more_content)):
                break

    def _send_chunk(self, lead, chunk):
        """Send `chunk`; return whether the worker may want another."""
        deadline = monotonic() + self.interface.timeout
        while True:
            try:
                lead.send(chunk, 1.0)
                return True
            except LayerUnavailable as error:
                logger.warning('The body of the request for %s was lost: %s', self.path, error)
                raise away()
            except self.channel_layer.ChannelFull:
                if self.interface.replies.has_mail(self.box):
                    # It answers without reading all of the body.
                    return False
                if monotonic() >= deadline:
                    logger.warning('No worker reads the body of the request for %s.', self.path)
                    raise Refused(504)

    # The answer

    def next_part(self):
        """Return the next bridge.ResponsePart, or raise Refused."""
        while True:
            try:
                message = self.interface.replies.get(self.box, self.interface.timeout)
            except LayerUnavailable as error:
                logger.warning('The response for %s was lost: %s', self.path, error)
                raise away()
            if message is None:
                logger.warning(
                    'No worker answered the request for %s within %s seconds.', self.path, self.interface.timeout
                )
                raise Refused(504)
            try:
                part = self.reply.feed(message)
            except bridge.BrokenOff as error:
                logger.warning('The response for %s was broken off: %s', self.path, error)
                raise Refused(500)
            except MalformedMessage as error:
                logger.error('The response for %s is malformed: %s', self.path, error)
                raise Refused(500)
            # WSGI has no way to push what wasn't asked for.
            if isinstance(part, bridge.ResponsePart):
                return part

    def end(self):
        """Say that it is over, whatever the reason; do so once."""
        if self.box is None:
            return
        name, self.box = self.box.name, self.interface.replies.close(self.box)
        if self.reply.started and not self.reply.complete:
            self.interface.disown(name)
        if self.was_sent:
            self.interface.disconnects.add(name, self.path)


class Stream(six.Iterator):
    """The body of a response that comes in pieces."""

    def __init__(self, exchange, first):
        self._exchange = exchange
        self._first = first

    def __iter__(self):
        return self

    def __next__(self):
        first, self._first = self._first, b''
        if first:
            return first
        while not self._exchange.reply.complete:
            # Refused goes through to the server, which breaks the connection
            # off: what came so far must not look complete.
            part = self._exchange.next_part()
            if part.content:
                return part.content
        raise StopIteration

    def close(self):
        self._exchange.end()

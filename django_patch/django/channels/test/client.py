"""
Django's test client with its requests sent through channels.

A test client built on `ChannelClientHandler` makes a message of each
request, has it go through JSON and back, calls the channel handler, and puts
the reply messages together to the response; so tests of views find out what
channels change. `use_channels()` makes every test client of the process one.
"""
from __future__ import absolute_import

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import client

from ..compat import six
from ..http.handler import ChannelHandler
from ..http.meta import message_from_environ
from ..http.response import decode_response, split_content
from ..interfaces.bridge import body_chunk
from ..layers.codec import from_json, to_json
from ..layers.memory import InMemoryChannelLayer
from ..message import Message
from . import lint

#: Where the made-up client of each request waits for its response.
REPLY_CHANNEL = u'http.response.test!client'
#: Where the rest of a body comes in.
BODY_CHANNEL = u'http.request.body?test'
#: Bytes of a body that are in the request message itself. So few that a form
#: with a file in it comes in pieces, as from a server.
INLINE_BODY_SIZE = 1024
#: In how many pieces the rest comes at most; the layer holds more.
_PIECES = 50


class ChannelClientHandler(ChannelHandler):
    """
    Takes the place of ClientHandler in Django's test client.

    The response is the object that the view made, for what tests ask of such
    objects; its status, headers, cookies and content are what the messages
    brought.
    """
    #: The response that was made last, before it became messages.
    response = None

    def __init__(self, enforce_csrf_checks=True):
        super(ChannelClientHandler, self).__init__()
        self.enforce_csrf_checks = enforce_csrf_checks

    def __call__(self, environ):
        """Return the HttpResponse to the request in a WSGI environ."""
        messages = self._exchange(environ)
        with _open_connections():
            decoded = decode_response(messages)
            if not decoded.streaming:
                messages.close()
        response = self.response
        _take_over(response, decoded)
        if decoded.streaming:
            response.streaming_content = _closing(decoded.streaming_content, messages)
        return response

    def _exchange(self, environ):
        try:
            length = int(environ.get('CONTENT_LENGTH') or 0)
        except ValueError:
            length = 0
        body = environ['wsgi.input'].read(length) if length > 0 else b''
        layer = InMemoryChannelLayer()
        first, rest = body[:INLINE_BODY_SIZE], body[INLINE_BODY_SIZE:]
        content = message_from_environ(environ, REPLY_CHANNEL, first, BODY_CHANNEL if rest else None)
        for chunk in _chunks(rest):
            layer.send(BODY_CHANNEL, _travelled(BODY_CHANNEL, chunk))
        message = Message(_travelled('http.request', content), 'http.request', layer)
        replies = super(ChannelClientHandler, self).__call__(message)
        try:
            for reply in replies:
                yield _travelled(REPLY_CHANNEL, reply)
        finally:
            replies.close()

    def get_response(self, request):
        # As Django's own ClientHandler does it.
        request._dont_enforce_csrf_checks = not self.enforce_csrf_checks
        return super(ChannelClientHandler, self).get_response(request)

    def _respond(self, message, prefix):
        request, self.response = super(ChannelClientHandler, self)._respond(message, prefix)
        self.response.wsgi_request = request
        return request, self.response

    def uncaught_error(self, request, exc_info):
        """Let errors through to the test, as Django's ClientHandler does."""
        six.reraise(*exc_info)


def _chunks(rest):
    """Return the messages for the body channel that bring the bytes `rest`."""
    pieces = split_content(rest, len(rest) // _PIECES + 1) if rest else []
    return [body_chunk(piece, number < len(pieces)) for number, piece in enumerate(pieces, 1)]


def _travelled(channel, content):
    """Return what is left of a message when JSON has carried it."""
    lint.check(channel, content)
    return from_json(to_json(content))


class _open_connections(object):
    """Keeps the end of a request from ending a test's transaction."""

    def __enter__(self):
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)

    def __exit__(self, *exc_info):
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)


def _take_over(response, decoded):
    """Put what the messages brought in the place of what `response` has."""
    response.status_code = decoded.status_code
    for name, value in list(response.items()):
        del response[name]
    for name, value in decoded.items():
        response[name] = value
    if response.cookies.output() != decoded.cookies.output():
        # Where they say the same, the original has numbers for its ages.
        response.cookies = decoded.cookies
    if response.streaming and not decoded.streaming:
        response.streaming_content = [decoded.content]
    elif not response.streaming and not decoded.streaming and response.content != decoded.content:
        response.content = decoded.content


def _closing(contents, messages):
    try:
        for content in contents:
            yield content
    finally:
        with _open_connections():
            messages.close()


def use_channels():
    """Send the requests of every test client made from now on as messages."""
    client.ClientHandler = ChannelClientHandler

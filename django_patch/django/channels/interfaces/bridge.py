"""
Translation between requests and the messages of a channel layer, sans I/O.

Nothing here touches a socket, a layer or a clock. Functions build the
standard messages out of a request's parts; `HttpReply` and `WebSocket` are
state machines that turn the messages on a client's reply channel into what
is due on the wire. An interface server keeps one of them for each client and
carries out the values they return. The formats are those of the message
standard, chapters HTTP and WebSocket.

A full channel is answered with `BUSY_STATUS` for a request or a handshake
and with `BUSY_CODE` for an open socket; disconnect messages that find their
channel full are dropped.
"""
from __future__ import absolute_import, unicode_literals

import codecs
import collections
import logging
import re

from ..compat import six
from ..exceptions import MalformedMessage
from ..http.messages import http_request  # NOQA
from .fields import content_field, is_close_code, response_headers, status_field  # NOQA
from .websocket import (  # NOQA
    BUSY_CODE, BUSY_STATUS, CLOSED, DENIED_CODE, HANDSHAKE, OPEN, Accept, Close, Deny, Send, SocketReply, WebSocket,
    parse_socket_reply,
)

logger = logging.getLogger(__name__)

#: Bytes of a request's body that travel inside the request message.
INLINE_BODY_SIZE = 256 * 1024
#: Bytes of a request's body in each of the chunk messages after it.
BODY_CHUNK_SIZE = 256 * 1024

#: Seconds after which a client does well to come again that found no layer:
#: those between two tries to reach a server that is away.
AWAY_SECONDS = 2

#: The part of a buffer that holds a worker up until it is free again: not so
#: little that each message takes turns with it, nor so much that the client of
#: a slow connection can't read it while the worker waits.
FREE_AGAIN = 1 / 8.0

# Numbers on Python 3, where "in" drops an error first for each byte string.
_UNDERSCORE, _PERCENT_SIGN = b'_'[0], b'%'[0]
_PERCENT = re.compile(br'%([0-9A-Fa-f]{2})')

#: A piece of a response; `status` and `headers` are None after the first.
ResponsePart = collections.namedtuple('ResponsePart', 'status headers content more_content')
#: A request that the worker wants answered to the client unasked.
Push = collections.namedtuple('Push', 'request')


# Into messages

def clean_headers(headers):
    """
    Return (name, value) pairs of bytes as a message holds them.

    Names come in lower case. Names with an underscore go: in CGI keys they
    can't be told from those with a hyphen (CVE-2015-0219). The space around a
    value isn't part of it (RFC 9110 section 5.5), and not every parser knows.
    """
    return [[name.lower(), value.strip(b' \t')] for name, value in headers if _UNDERSCORE not in name]


def decode_path(raw_path):
    """
    Return the text of a path given as the bytes of the request line.

    What isn't UTF-8 after unquoting stays percent-encoded, as under
    Django's WSGI handler.
    """
    if _PERCENT_SIGN in raw_path:
        raw_path = _PERCENT.sub(lambda match: six.int2byte(int(match.group(1), 16)), raw_path)
    return raw_path.decode('utf-8', 'channels.percent')


def _percent_encode(error):
    broken = six.iterbytes(error.object[error.start:error.end])
    return ''.join('%%%02X' % byte for byte in broken), error.end


# An error handler, since it works in one pass: a path of broken bytes only
# must not take longer than any other.
codecs.register_error('channels.percent', _percent_encode)


def body_chunk(content, more_content):
    """Return the message for a body channel with the next bytes."""
    return {'content': content, 'more_content': more_content}


def body_closed():
    """
    Return the message for a body channel whose client went away, and for
    names.disconnect_channel().
    """
    return {'closed': True}


def http_disconnect(reply_channel, path):
    """Return the message for "http.disconnect"."""
    return {'reply_channel': reply_channel, 'path': path}


# Out of messages

def retry_after(seconds):
    """Return the header that tells a client to come again after `seconds`, a whole number."""
    return b'retry-after', six.text_type(seconds).encode('ascii')


def _content_length(length):
    return b'content-length', six.text_type(length).encode('ascii')


def error_page(status, reason, detail):
    """Return the ResponsePart with which a server answers by itself."""
    content = (
        '<!DOCTYPE html>\n<html><head><title>%(status)d %(reason)s</title></head>'
        '<body><h1>%(status)d %(reason)s</h1><p>%(detail)s</p></body></html>\n'
    ) % {'status': status, 'reason': reason, 'detail': detail}
    content = content.encode('utf-8')
    return ResponsePart(status, [
        (b'content-type', b'text/html; charset=utf-8'),
        _content_length(len(content)),
        (b'cache-control', b'no-store'),
    ], content, False)


def whole_response(message):
    """
    Return (status, headers, content) of `message`, a dict that is all of a
    response to anything but HEAD.

    None says that it isn't, or is an unusual one, of which HttpReply knows
    more. Raise MalformedMessage for headers that are wrong.
    """
    status, content = message.get('status'), message.get('content')
    if type(status) is not int or type(content) is not bytes or message.get('more_content'):
        return None
    if not 200 <= status <= 599 or status in (204, 304):
        return None
    headers, length = response_headers(message.get('headers'))
    if length is None:
        headers.append(_content_length(len(content)))
    elif length != len(content):
        return None
    return status, headers, content


class BrokenOff(MalformedMessage):
    """Raised when the worker says that it can't finish its response."""


class HttpReply(object):
    """
    The answer to one request, put together from the reply channel.

    Feed it every message that comes; it knows what is still due. `method`
    is the request's: an answer to HEAD has no body.
    """
    __slots__ = ('started', 'complete', '_bodiless', '_bytes_due')

    def __init__(self, method='GET'):
        self.started = False
        self.complete = False
        self._bodiless = method == 'HEAD'
        self._bytes_due = None

    def feed(self, message):
        """
        Return the ResponsePart or Push in `message`, or None if it is late.

        Raise MalformedMessage if it isn't what the standard says may come
        now, and BrokenOff, which is not an error, if the worker gave up. The
        reply counts as complete then: answer with an error page, or break off
        the response if it has started.
        """
        if self.complete:
            return None
        try:
            if not isinstance(message, dict):
                raise MalformedMessage('A reply to a request must be a dict, not %r.' % (message,))
            if self.started:
                return self._chunk(message)
            if 'request' in message and 'status' not in message:
                return Push(message['request'])
            return self._response(message)
        except MalformedMessage:
            self.complete = True
            raise

    def _response(self, message):
        status = status_field(message, 'A response', lowest=200)
        headers, length = response_headers(message.get('headers'))
        content = content_field(message)
        more_content = bool(message.get('more_content'))
        if status in (204, 304):
            self._bodiless = True
            headers = [header for header in headers if header[0].lower() != b'content-length']
        elif not self._bodiless:
            if length is None and not more_content:
                length = len(content)
                headers.append(_content_length(length))
            self._bytes_due = length
        self.started = True
        content = self._account(content, more_content)
        return ResponsePart(status, headers, content, not self.complete)

    def _chunk(self, message):
        if message.get('closed'):
            # With a status, from who doesn't know how far the worker had come.
            raise BrokenOff('The worker broke the response off.')
        if 'status' in message:
            raise MalformedMessage('A second response came while the first (with more_content) was still going on.')
        more_content = bool(message.get('more_content'))
        content = self._account(content_field(message), more_content)
        return ResponsePart(None, None, content, not self.complete)

    def _account(self, content, more_content):
        if self._bodiless:
            content = b''
        elif self._bytes_due is not None:
            if len(content) > self._bytes_due:
                # PEP 3333 lets a server cut it, as gunicorn does: a view may
                # seek in a file, and say in Content-Length how much it means.
                logger.warning('The content of a response is longer than its Content-Length says; the rest is cut.')
                content, more_content = content[:self._bytes_due], False
            self._bytes_due -= len(content)
            if self._bytes_due and not more_content:
                raise MalformedMessage('The content of the response is shorter than its Content-Length says.')
        self.complete = not more_content
        return content

"""
The life of a WebSocket in messages; `bridge` hands out these names.
"""
from __future__ import absolute_import, unicode_literals

import collections
import logging

from ..compat import six
from ..exceptions import MalformedMessage
from ..http.messages import MESSAGE_VERSION
from .fields import content_field, handshake_headers, is_close_code, response_headers, status_field, text_field

logger = logging.getLogger(__name__)

#: The status for a request that found its channel full.
BUSY_STATUS = 503
#: The close code for a socket whose frame found its channel full.
BUSY_CODE = 1013
#: The status for a handshake whose worker chose what nobody offered.
MISTAKE_STATUS = 500
#: The close code for a socket denied by a server that can't hold handshakes.
DENIED_CODE = 4403

HANDSHAKE, OPEN, CLOSED = 'handshake', 'open', 'closed'

_SOCKET_KEYS = frozenset([
    'accept', 'bytes', 'close', 'content', 'headers', 'reason', 'status', 'subprotocol', 'text',
    # Of the trace that the message belongs to; they say nothing to a client.
    'traceparent', 'tracestate',
])
#: Keys that were logged as unknown. Workers may send any number of them.
_logged_keys = set()
_MOST_LOGGED_KEYS = 100

Accept = collections.namedtuple('Accept', 'subprotocol headers')
Deny = collections.namedtuple('Deny', 'status headers content')
#: A frame to send: exactly one of `text` and `data` (bytes) is not None.
Send = collections.namedtuple('Send', 'text data')
Close = collections.namedtuple('Close', 'code reason')


class SocketReply(object):
    """A message on a socket's reply channel, checked; see WebSocket."""
    __slots__ = ('accept', 'text', 'data', 'close', 'reason', 'subprotocol', 'status', 'headers', 'content')

    def __init__(self, text=None):
        self.text = text
        self.accept = self.data = self.close = self.reason = self.subprotocol = None
        self.status, self.headers, self.content = 403, [], b''


def parse_socket_reply(message):
    """
    Return the SocketReply for `message`, which may go to many sockets.

    Unknown keys are ignored, and logged once: a later version of the standard
    may have them. Raise MalformedMessage if the message is to be ignored
    whole.
    """
    if not isinstance(message, dict):
        raise MalformedMessage('A reply to a WebSocket must be a dict, not %r.' % (message,))
    if len(message) == 1 and type(message.get('text')) is six.text_type:
        # Nearly all are so.
        return SocketReply(message['text'])
    if not _SOCKET_KEYS.issuperset(message):
        _log_unknown(set(message) - _SOCKET_KEYS)
    reply = SocketReply()
    reply.text = text_field(message, 'text')
    reply.data = message.get('bytes')
    if reply.data is not None and not isinstance(reply.data, bytes):
        raise MalformedMessage("'bytes' must be a byte string, not %r; text goes under 'text'." % (reply.data,))
    if reply.text is not None and reply.data is not None:
        if reply.text and reply.data:
            raise MalformedMessage("A reply to a WebSocket may have 'bytes' or 'text', not both.")
        reply.text, reply.data = reply.text or None, reply.data or None
    if len(message) > 1 or (reply.text is None and reply.data is None):
        _parse_rest(message, reply)
    return reply


def _log_unknown(keys):
    keys = {'%.50r' % (key,) for key in keys} - _logged_keys
    if keys and len(_logged_keys) + len(keys) <= _MOST_LOGGED_KEYS:
        _logged_keys.update(keys)
        logger.warning('A reply to a WebSocket has the unknown keys %s, which are ignored; known are %s.' % (
            ', '.join(sorted(keys)), ', '.join(sorted(_SOCKET_KEYS)),
        ))


def _parse_rest(message, reply):
    reply.accept = message.get('accept')
    if reply.accept is not None and not isinstance(reply.accept, bool):
        raise MalformedMessage("'accept' must be True, False or absent, not %r." % (reply.accept,))
    close = message.get('close')
    if close is True:
        reply.close = 1000
    elif close is not None and close is not False:
        if not isinstance(close, six.integer_types) or not is_close_code(close):
            raise MalformedMessage("%r is not a code that a WebSocket may be closed with." % (close,))
        reply.close = close
    reply.reason = text_field(message, 'reason') or ''
    if len(reply.reason.encode('utf-8')) > 123:
        raise MalformedMessage('The reason for closing a WebSocket has at most 123 bytes of UTF-8.')
    reply.subprotocol = text_field(message, 'subprotocol')
    if 'status' in message:
        reply.status = status_field(message, 'A denied handshake', lowest=300)
    if 'headers' in message:
        reply.headers = response_headers(message['headers'])[0]
    reply.content = content_field(message)
    if reply.accept is not None or reply.close is not None:
        # Empty data is a frame only where it is all there is.
        reply.text, reply.data = reply.text or None, reply.data or None


class WebSocket(object):
    """
    One socket: what its reply messages do, and the numbers of its own.

    `subprotocols` are those the client offers. `supported` are those the
    server may choose from if the worker names none. `holds_handshake` says
    whether the server can wait for the worker before it answers the
    handshake; where it can't, frames are kept until the worker accepts, and
    a denial closes the socket with `DENIED_CODE`.
    """
    __slots__ = (
        'reply_channel', 'path', 'root_path', 'state', 'order', '_subprotocols', '_default', '_holds', '_kept',
        '_ended',
    )

    def __init__(self, reply_channel, path, subprotocols=(), supported=(), holds_handshake=True):
        self.reply_channel = reply_channel
        self.path = path
        self.root_path = ''
        self.state = HANDSHAKE
        self.order = 0
        self._subprotocols = subprotocols
        self._default = next((name for name in subprotocols if name in supported), None)
        self._holds = holds_handshake
        self._kept = []
        self._ended = False

    def connect_message(self, query_string, headers, scheme='ws', root_path='', client=None, server=None):
        """Return the message for "websocket.connect"."""
        self.root_path = root_path
        return {
            'version': MESSAGE_VERSION,
            'reply_channel': self.reply_channel,
            'scheme': scheme,
            'path': self.path,
            'query_string': query_string,
            'root_path': root_path,
            'headers': headers,
            'client': list(client) if client else None,
            'server': list(server) if server else None,
            'order': 0,
        }

    def receive_messages(self, text=None, data=None):
        """Return the messages for "websocket.receive" due with this frame."""
        if self.state is CLOSED:
            return []
        self.order += 1
        message = self._message(self.order)
        message['bytes'], message['text'] = data, text
        if self.state is HANDSHAKE:
            self._kept.append(message)
            return []
        return [message]

    def kept_messages(self):
        """Return the messages for frames that came before the accept."""
        kept, self._kept = self._kept, []
        return kept

    def disconnect_message(self, code):
        """Return the message for "websocket.disconnect"; None but once."""
        self.state = CLOSED
        if self._ended:
            return None
        self._ended = True
        return dict(self._message(self.order + 1), code=code)

    def _message(self, order):
        message = {'reply_channel': self.reply_channel, 'path': self.path, 'order': order}
        if self.root_path:
            # Routes match below it, and consumers build addresses with it.
            message['root_path'] = self.root_path
        return message

    def apply(self, reply):
        """
        Return what `reply` does here, as a list of events in order.

        They are Accept, Deny, Send and Close. A subprotocol that the client
        didn't offer would make it fail the handshake (RFC 6455 section 4.1):
        it is denied with `MISTAKE_STATUS`.
        """
        if self.state is OPEN:
            return self._data(reply)
        if self.state is CLOSED:
            return []
        if reply.accept is False or (reply.close and not (reply.accept or reply.text or reply.data)):
            return [self._deny(reply.status, reply.headers, reply.content)]
        if not (reply.accept or reply.text or reply.data):
            return []
        subprotocol = reply.subprotocol
        if subprotocol is None:
            subprotocol = self._default
        elif subprotocol not in self._subprotocols:
            logger.error(
                'The WebSocket for %s is refused: the subprotocol %r was not among those the client offers: %s.',
                self.path, subprotocol, ', '.join(self._subprotocols) or 'none',
            )
            return [self._deny(MISTAKE_STATUS, [], b'')]
        self.state = OPEN
        return [Accept(subprotocol, handshake_headers(reply.headers))] + self._data(reply)

    def _data(self, reply):
        events = []
        if reply.text is not None or reply.data is not None:
            events.append(Send(reply.text, reply.data))
        if reply.close:
            self.state = CLOSED
            events.append(Close(reply.close, reply.reason))
        return events

    def _deny(self, status, headers, content):
        self.state = CLOSED
        if not self._holds:
            return Close(DENIED_CODE, '')
        return Deny(status, headers, content)

    def give_up(self, code, status=BUSY_STATUS, reason='', headers=()):
        """
        Return the event that ends the socket on the server's own account.

        An open socket is closed with `code`, a handshake gets `status` and
        `headers`. None if the socket is at its end already.
        """
        if self.state is OPEN:
            self.state = CLOSED
            return Close(code, reason)
        if self.state is HANDSHAKE:
            return self._deny(status, list(headers), b'')
        return None

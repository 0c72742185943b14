"""
The message standard as a program: says what is wrong with a message.

Use it in the tests of a server, a worker or a layer:
``problems('http.request', message)`` is empty if the message keeps the
standard (docs/standards/messages.txt).
"""
from __future__ import absolute_import, unicode_literals

from ..exceptions import MalformedMessage
from ..layers.base import copy_message
from . import values


class LintingLayer(object):
    """
    A channel layer that refuses messages which don't keep the standard.

    Wraps `layer`; a bad message raises MalformedMessage at its sender.
    """

    def __init__(self, layer):
        self.layer = layer

    def send(self, channel, message):
        check(channel, message)
        self.layer.send(channel, message)

    def send_many(self, pairs):
        for channel, message in pairs:
            check(channel, message)
        return self.layer.send_many(pairs)

    def send_blocking(self, channel, message, timeout):
        check(channel, message)
        self.layer.send_blocking(channel, message, timeout)

    def send_group(self, group, message):
        for channel in self.layer.group_channels(group):
            check(channel, message)
        self.layer.send_group(group, message)

    def __getattr__(self, name):
        return getattr(self.layer, name)


def check(channel, message):
    """Raise MalformedMessage if problems() finds any."""
    refuse(channel, [text for key, text in problems(channel, message)])


def refuse(channel, texts):
    """Raise MalformedMessage if `texts` say that anything is wrong."""
    if texts:
        raise MalformedMessage('The message on %s: %s' % (channel, '; '.join(texts)))


def problems(channel, message):
    """
    Return what is wrong with `message` on `channel`: [(key, text), ...].

    Channels that the standard doesn't know are checked for the rules that
    hold for all messages.
    """
    if not isinstance(message, dict):
        return [('', 'it is not a dict but %r' % (message,))]
    try:
        copy_message(message)
    except TypeError as error:
        return [('', str(error))]
    found = []
    if '__asgi_channel__' in message:
        found.append(('__asgi_channel__', 'the key is kept for channel layers'))
    for schema in _schemas(channel, message):
        found.extend(schema(message))
    return found


# Kinds of messages: key -> (check, whether it is required).

def _schema(fields, is_reply=False, also=None):
    def check(message):
        found = []
        for key, (field, is_required) in sorted(fields.items()):
            if key not in message:
                if is_required:
                    found.append((key, '%s is missing' % key))
                continue
            expected = field(message[key])
            if expected:
                found.append((key, '%s must be %s, not %r' % (key, expected, message[key])))
        if is_reply and not set(message).intersection(fields):
            # One more key is of a later version; nothing but such is a typo.
            found.extend((key, 'the key %s is unknown' % key) for key in sorted(message))
        return found or (also(message) if also else [])
    return check


def _required(check):
    return check, True


def _optional(check):
    return check, False


_PUSHED = {
    'http_version': _required(values.one_of('1.0', '1.1', '2')),
    'method': _required(values.method),
    'path': _required(values.text),
    'headers': _required(values.headers(lower_case=True)),
    'query_string': _optional(values.byte_string),
    'scheme': _optional(values.one_of('http', 'https')),
    'root_path': _optional(values.text),
    'client': _optional(values.or_null(values.address)),
    'server': _optional(values.or_null(values.address)),
}
_push_schema = _schema(_PUSHED)
_request = _schema(dict(
    _PUSHED,
    reply_channel=_required(values.channel('!')),
    version=_optional(values.integer(1)),
    body=_optional(values.byte_string),
    body_channel=_optional(values.or_null(values.channel('?'))),
    cgi=_optional(values.dictionary),
))
_body = _schema({
    'content': _optional(values.byte_string),
    'more_content': _optional(values.boolean),
    'closed': _optional(values.boolean),
})
_response = _schema({
    'status': _required(values.integer(200, 599)),
    'headers': _optional(values.headers(lower_case=False)),
    'content': _optional(values.byte_string),
    'more_content': _optional(values.boolean),
})
_chunk = _schema({
    'content': _optional(values.byte_string),
    'more_content': _optional(values.boolean),
    'closed': _optional(values.boolean),
}, is_reply=True)


def _push(message):
    if not isinstance(message['request'], dict):
        return [('request', 'request must be a dictionary')]
    return [('request', text) for key, text in _push_schema(message['request'])]


_http_disconnect = _schema({'reply_channel': _required(values.channel('!')), 'path': _required(values.text)})
_client_gone = _schema({'closed': _required(values.boolean)})
_connect = _schema({
    'reply_channel': _required(values.channel('!')),
    'path': _required(values.text),
    'headers': _required(values.headers(lower_case=True)),
    'query_string': _optional(values.byte_string),
    'scheme': _optional(values.one_of('ws', 'wss')),
    'root_path': _optional(values.text),
    'client': _optional(values.or_null(values.address)),
    'server': _optional(values.or_null(values.address)),
    'order': _required(values.integer(0, 0)),
    'version': _optional(values.integer(1)),
})


def _one_kind_of_data(message):
    given = [key for key in ('text', 'bytes') if message.get(key) is not None]
    if len(given) == 2:
        return [('bytes', 'text and bytes exclude each other')]
    return [] if given else [('text', 'neither text nor bytes is given')]


_receive = _schema({
    'reply_channel': _required(values.channel('!')),
    'path': _required(values.text),
    'text': _optional(values.or_null(values.text)),
    'bytes': _optional(values.or_null(values.byte_string)),
    'root_path': _optional(values.text),
    'order': _required(values.integer(1)),
}, also=_one_kind_of_data)
_disconnect = _schema({
    'reply_channel': _required(values.channel('!')),
    'path': _required(values.text),
    'code': _required(values.integer(1000, 4999)),
    'root_path': _optional(values.text),
    'order': _required(values.integer(1)),
})


def _says_something(message):
    if message.get('text') and message.get('bytes'):
        return [('bytes', 'text and bytes exclude each other')]
    return [] if message else [('text', 'the reply says nothing')]


_socket_reply = _schema({
    'accept': _optional(values.or_null(values.boolean)),
    'text': _optional(values.or_null(values.text)),
    'bytes': _optional(values.or_null(values.byte_string)),
    'close': _optional(values.close),
    'reason': _optional(values.reason),
    'subprotocol': _optional(values.or_null(values.text)),
    'status': _optional(values.integer(300, 599)),
    'headers': _optional(values.headers(lower_case=False)),
    'content': _optional(values.byte_string),
}, is_reply=True, also=_says_something)
_delay = _schema({
    'channel': _required(values.channel('')),
    'delay': _required(values.integer(0)),
    'content': _required(values.dictionary),
})
_delayed = _schema({'channel': _required(values.channel('')), 'content': _required(values.dictionary)})
_run = _schema({
    'name': _required(values.text),
    'version': _required(values.text),
    'due': _required(values.integer(0)),
})

_BY_CHANNEL = {
    'http.request': [_request],
    'http.disconnect': [_http_disconnect],
    'websocket.connect': [_connect],
    'websocket.receive': [_receive],
    'websocket.disconnect': [_disconnect],
    'asgi.delay': [_delay],
    'channels.delayed': [_delayed],
    'channels.schedules': [_run],
}


def _schemas(channel, message):
    if channel in _BY_CHANNEL:
        return _BY_CHANNEL[channel]
    if channel.startswith('http.request.body?'):
        return [_body]
    if channel.startswith('http.disconnect?'):
        return [_client_gone]
    if channel.startswith('http.response.'):
        if 'request' in message and 'status' not in message:
            return [_push]
        # Only a first message has a status or headers.
        return [_response if 'status' in message or 'headers' in message else _chunk]
    if channel.startswith('websocket.send.'):
        return [_socket_reply]
    return []

"""
What the tests of HTTP share: messages to send and requests made of them.
"""
from __future__ import absolute_import

from django.channels.http.request import ChannelRequest
from django.channels.layers.memory import InMemoryChannelLayer
from django.channels.message import Message


def make_content(method='GET', path='/', **changes):
    """Return the content of an http.request message."""
    content = {
        'reply_channel': u'http.response.test!client',
        'http_version': u'1.1',
        'method': method,
        'path': path,
        'query_string': b'',
        'headers': [],
    }
    content.update(changes)
    return content


def make_message(method='GET', path='/', channel_layer=None, **changes):
    """Return an http.request Message."""
    layer = InMemoryChannelLayer() if channel_layer is None else channel_layer
    return Message(make_content(method, path, **changes), 'http.request', layer)


def make_request(*args, **kwargs):
    """Return the ChannelRequest for a message as make_message() makes it."""
    return ChannelRequest(make_message(*args, **kwargs))


def multipart(fields, boundary=b'frontier'):
    """Return (content type, body) for [(name, file name or None, bytes)]."""
    lines = []
    for name, filename, value in fields:
        disposition = b'Content-Disposition: form-data; name="' + name + b'"'
        if filename is not None:
            disposition += b'; filename="' + filename + b'"\r\nContent-Type: application/octet-stream'
        lines += [b'--' + boundary, disposition, b'', value]
    lines += [b'--' + boundary + b'--', b'']
    return b'multipart/form-data; boundary=' + boundary, b'\r\n'.join(lines)

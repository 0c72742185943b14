"""
The standard message for a request, built from its parts; its version.
"""
from __future__ import absolute_import, unicode_literals

import logging

from ..compat import six

logger = logging.getLogger(__name__)

#: The version of the message standard that servers and workers here speak.
MESSAGE_VERSION = 1
#: Newer versions that servers were found to speak; logged once each.
_newer = set()
_MOST_LOGGED = 10


def http_request(reply_channel, method, path, query_string, headers, http_version='1.1', scheme='http', root_path='',
                 client=None, server=None, body=b'', body_channel=None):
    """
    Return the message for "http.request".

    `headers` are [name, value] pairs of bytes, names in lower case and without
    underscores. `client` and `server` are (host, port) or None.
    `body_channel` names the channel that brings the rest of the body, if
    `body` is only its beginning. Everything else is text, but for
    `query_string` and `body`.
    """
    message = {
        'version': MESSAGE_VERSION,
        'reply_channel': reply_channel,
        'http_version': http_version,
        'method': method,
        'scheme': scheme,
        'path': path,
        'query_string': query_string,
        'root_path': root_path,
        'headers': headers,
        'body': body,
        'client': list(client) if client else None,
        'server': list(server) if server else None,
    }
    if body_channel is not None:
        message['body_channel'] = body_channel
    return message


def note_version(message):
    """
    Log once that a server speaks a later version of the message standard.

    `message` is the content of an "http.request" or "websocket.connect"
    message. What it has that isn't known here is ignored.
    """
    version = message.get('version', MESSAGE_VERSION)
    if version == MESSAGE_VERSION or version in _newer or not isinstance(version, six.integer_types):
        return
    if version > MESSAGE_VERSION and len(_newer) < _MOST_LOGGED:
        _newer.add(version)
        logger.warning(
            'A server speaks version %d of the message standard; this worker knows version %d, and ignores the rest.',
            version, MESSAGE_VERSION,
        )

"""
The standard message for a request, built from its parts.
"""
from __future__ import absolute_import, unicode_literals


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

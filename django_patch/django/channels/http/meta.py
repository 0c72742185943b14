"""
A request message as the CGI keys of `HttpRequest.META`, and the way back.

Pure functions: no I/O, no settings, and no variable of the process
environment. The keys are those of RFC 3875 as WSGI servers give them; native
strings, as Django's WSGI handler has on the same Python.
"""
from __future__ import absolute_import

from ..compat import decode_path, six
from ..compat.text import native_from_bytes, native_from_text, wire_bytes
from ..exceptions import MalformedMessage
from ..headers import header_pairs
from ..names import split_path
from .messages import http_request

#: CGI variables that no part of an HTTP request stands for. A server that
#: authenticates its clients hands them on under the message's key "cgi".
SERVER_VARIABLES = ('AUTH_TYPE', 'REMOTE_IDENT', 'REMOTE_USER')


class _HeaderKeys(dict):
    """
    Header name (bytes) -> its key in META, or None if it has none.

    Clients choose header names, so the number of names kept has a limit.
    """
    limit = 1024

    def __missing__(self, name):
        if len(self) >= self.limit:
            self.clear()
        key = native_from_bytes(name).upper().replace('-', '_')
        if b'_' in wire_bytes(name):
            # A name with an underscore can't be told from one with a hyphen
            # in its place (CVE-2015-0219).
            key = None
        elif key not in ('CONTENT_LENGTH', 'CONTENT_TYPE'):
            key = 'HTTP_' + key
        self[name] = key
        return key


_header_keys = _HeaderKeys()


def meta_from_message(message, script_name=None):
    """
    Return the dict of CGI keys for an "http.request" message (a dict).

    `script_name` (text) stands in for the message's root path in
    SCRIPT_NAME. Raise MalformedMessage if the message lacks what it needs or
    contradicts itself, and UnicodeDecodeError for a path in bytes that this
    Django refuses.
    """
    path, method, root_path = _request_line(message)
    meta = {
        'REQUEST_METHOD': native_from_text(method),
        'QUERY_STRING': native_from_bytes(message.get('query_string') or b''),
        'SCRIPT_NAME': root_path if script_name is None else script_name,
        'PATH_INFO': split_path(path, root_path) or u'/',
        'SERVER_PROTOCOL': 'HTTP/' + native_from_text(message.get('http_version') or '1.1'),
        'SERVER_NAME': 'unknown',
        'SERVER_PORT': '0',
        # No client address is known behind a Unix socket. WSGI servers say
        # so with an empty string, and views count on the key.
        'REMOTE_ADDR': '',
        'REMOTE_HOST': '',
    }
    _add_addresses(meta, message.get('client'), message.get('server'))
    for name, value in header_pairs(message):
        key = _header_keys[name]
        if key is not None:
            value = native_from_bytes(value)
            meta[key] = _joined(key, meta[key], value) if key in meta else value
    if message.get('body') and not message.get('body_channel') and 'CONTENT_LENGTH' not in meta:
        # RFC 3875 section 4.1.2: it is there whenever there is a body.
        meta['CONTENT_LENGTH'] = str(len(message['body']))
    if message.get('cgi'):
        meta.update(
            (str(name), native_from_bytes(value)) for name, value in message['cgi'].items() if name in SERVER_VARIABLES
        )
    return meta


def _request_line(message):
    """Return (path, method, root path) of a request message; raise as meta_from_message() does."""
    path, method = message.get('path'), message.get('method')
    if isinstance(path, bytes):
        path = decode_path(path)
    if not isinstance(path, six.text_type) or not method:
        raise MalformedMessage(
            'An http.request message needs a path and a method, both text, not %r and %r.' % (path, method)
        )
    root_path = message.get('root_path') or u''
    if isinstance(root_path, bytes):
        root_path = root_path.decode('utf-8')
    return path, method, root_path


def _add_addresses(meta, client, server):
    """Add to `meta` who sent the request and to where, each [host, port] or None."""
    if client:
        meta['REMOTE_ADDR'] = meta['REMOTE_HOST'] = native_from_text(client[0])
        if client[1]:
            meta['REMOTE_PORT'] = str(client[1])
    if server:
        meta['SERVER_NAME'] = native_from_text(server[0])
        meta['SERVER_PORT'] = str(server[1] or 0)


def _joined(key, first, second):
    """Return the one value for `key` of a header that was sent twice."""
    if key in ('CONTENT_LENGTH', 'CONTENT_TYPE'):
        # RFC 9110 section 5.3: only lists may be joined. A proxy in front may
        # use the one value, and we the other.
        if first != second:
            raise MalformedMessage('The request has two values for %s: %r and %r.' % (key, first, second))
        return first
    # RFC 6265 section 5.4 on cookies.
    return first + ('; ' if key == 'HTTP_COOKIE' else ',') + second


def message_from_environ(environ, reply_channel, body=b'', body_channel=None):
    """
    Return the "http.request" message for a WSGI environ.

    `body` is the first part of the body as bytes; `body_channel` names the
    channel that brings the rest, if there is one. Raise UnicodeDecodeError
    for a path that this Django refuses.
    """
    script_name = decode_path(_script_name(environ))
    # Empty is kept: meta_from_message() has the rule for it.
    path_info = decode_path(wire_bytes(environ.get('PATH_INFO', '')))
    protocol = environ.get('SERVER_PROTOCOL', '').partition('/')
    message = http_request(
        reply_channel,
        method=_text(environ['REQUEST_METHOD']).upper(),
        path=script_name.rstrip('/') + path_info,
        query_string=wire_bytes(environ.get('QUERY_STRING') or ''),
        headers=headers_from_environ(environ),
        http_version=_text(protocol[2] if protocol[0] == 'HTTP' and protocol[2] else '1.1'),
        scheme=_text(environ.get('wsgi.url_scheme') or 'http'),
        root_path=script_name,
        client=_address(environ.get('REMOTE_ADDR'), environ.get('REMOTE_PORT')),
        server=_address(environ.get('SERVER_NAME'), environ.get('SERVER_PORT')),
        body=body,
        body_channel=body_channel,
    )
    cgi = {
        _text(name): wire_bytes(environ[name]).decode('latin-1') for name in SERVER_VARIABLES if environ.get(name)
    }
    if cgi:
        message['cgi'] = cgi
    return message


def headers_from_environ(environ):
    """Return the [name, value] pairs of bytes that a WSGI environ holds."""
    headers = []
    for key, value in environ.items():
        if key in ('HTTP_CONTENT_LENGTH', 'HTTP_CONTENT_TYPE'):
            # No hyphens make these two: the name had an underscore.
            continue
        elif key.startswith('HTTP_') and value is not None:
            name = key[5:]
        elif key in ('CONTENT_LENGTH', 'CONTENT_TYPE') and value not in ('', None):
            name = key
        else:
            continue
        headers.append([wire_bytes(name.replace('_', '-').lower()), wire_bytes(value)])
    return headers


def _script_name(environ):
    # Apache's mod_rewrite leaves the path as the client sent it here, which
    # is where Django's WSGI handler takes the script name from, too.
    script_url = wire_bytes(environ.get('SCRIPT_URL') or environ.get('REDIRECT_URL') or '')
    if not script_url:
        return wire_bytes(environ.get('SCRIPT_NAME', ''))
    while b'//' in script_url:
        script_url = script_url.replace(b'//', b'/')
    path_info = wire_bytes(environ.get('PATH_INFO', ''))
    if path_info and script_url.endswith(path_info):
        script_url = script_url[:-len(path_info)]
    return script_url


def _address(host, port):
    if not host:
        return None
    try:
        port = int(port or 0)
    except ValueError:
        port = 0
    return [_text(host), port]


def _text(value):
    return wire_bytes(value).decode('utf-8', 'replace')

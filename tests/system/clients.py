"""The browser's side of HTTP and WebSocket, as far as the tests need it."""
import hashlib
import http.client
import json
import urllib.parse

import websocket

#: Seconds to wait for an answer.
TIMEOUT = 30


class Answer:
    """An HTTP response, read to its end."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode('utf-8')

    def json(self):
        return json.loads(self.text)

    def header(self, name):
        """Return the value of a header, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None


def request(port, method, path, body=None, headers=None):
    """Send one request to 127.0.0.1:port; return its Answer."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def get(port, path, **headers):
    """GET a path."""
    return request(port, 'GET', path, headers=headers)


def post_form(port, path, fields, headers=None):
    """POST a form of (name, value) pairs, as a browser would."""
    headers = dict(headers or {}, **{'Content-Type': 'application/x-www-form-urlencoded'})
    return request(port, 'POST', path, urllib.parse.urlencode(fields).encode('ascii'), headers)


def post_file(port, path, name, content, **fields):
    """POST a file (bytes) in the field "file", with other fields beside it."""
    boundary = 'the-boundary-of-the-system-tests'
    parts = []
    for field, value in fields.items():
        parts.append('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, field, value))
    parts.append('--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
                 'Content-Type: application/octet-stream\r\n\r\n' % (boundary, name))
    body = ''.join(parts).encode('utf-8') + content + ('\r\n--%s--\r\n' % boundary).encode('ascii')
    return request(port, 'POST', path, body, {'Content-Type': 'multipart/form-data; boundary=' + boundary})


def sha256(content):
    """Return the hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def socket_to(port, path, **options):
    """Open a WebSocket; websocket.WebSocketBadStatusException if refused."""
    return websocket.create_connection('ws://127.0.0.1:%d%s' % (port, path), timeout=TIMEOUT, **options)

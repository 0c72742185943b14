"""
The worker: takes what waits in the list "messages", and asks for more in the
write that brings the answers. A frame's is its own text.
"""
import io
import os
import socket
import urllib.parse

import hiredis
import msgpack
from django.core.wsgi import get_wsgi_application

#: Messages that are taken at once.
COUNT = 10


class Redis:
    """A connection."""

    def __init__(self, url):
        self._socket = socket.create_connection((url.hostname, url.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def call(self, commands):
        """Send commands in one write; return the last reply."""
        self._socket.sendall(b''.join(map(hiredis.pack_command, commands)))
        for _ in commands:
            reply = self._reader.gets()
            while reply is False:
                self._reader.feed(self._socket.recv(131072))
                reply = self._reader.gets()
            if isinstance(reply, Exception):
                raise reply
        return reply


def environ(method, target, headers, body):
    """Return what WSGI hands to an application."""
    path, _, query = target.decode('latin-1').partition('?')
    result = {
        'REQUEST_METHOD': method.decode('latin-1'), 'SCRIPT_NAME': '',
        'PATH_INFO': urllib.parse.unquote(path, 'latin-1'), 'QUERY_STRING': query,
        'SERVER_NAME': '127.0.0.1', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': io.BytesIO(body),
        'wsgi.multithread': False, 'wsgi.multiprocess': True, 'wsgi.run_once': False,
    }
    for name, value in headers:
        key = name.decode('latin-1').upper().replace('-', '_')
        result[key if key in ('CONTENT_TYPE', 'CONTENT_LENGTH') else 'HTTP_' + key] = value.decode('latin-1')
    return result


def main():
    redis = Redis(urllib.parse.urlsplit(os.environ['BENCH_REDIS']))
    application = get_wsgi_application()
    started = []

    def start_response(status, headers, error=None):
        started[:] = status, [header for header in headers if header[0] != 'Content-Length']

    answers = []
    while True:
        _, messages = redis.call(answers + [('BLMPOP', '0', '1', 'messages', 'LEFT', 'COUNT', COUNT)])
        answers = []
        for message in messages:
            number, *parts = msgpack.unpackb(message)
            if len(parts) == 1:
                answers.append(('RPUSH', 'answers', message))
                continue
            method, target, headers, body = parts
            if body is None:
                body = redis.call([('GETDEL', 'body:%d' % number)])
            response = application(environ(method, target, headers, body), start_response)
            content = b''.join(response)
            response.close()
            answers.append(('RPUSH', 'answers', msgpack.packb((number, *started, content))))


main()

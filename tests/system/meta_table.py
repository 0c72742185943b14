"""
request.META of the same request under gunicorn and through channels.

As a program it prints the table of the documentation::

    CHANNELS_SYSTEM_PYTHON=env/bin/python python tests/system/meta_table.py > docs/meta.txt

The environment has Django, our packages, gunicorn and, beside it, a
redis-server on the PATH.
"""
import http.client
import json
import os
import re
import socket
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'channels_tests')]

import subject  # noqa: E402: the path comes first
from programs import free_port  # noqa: E402
from redis_server import RedisServer  # noqa: E402

#: Sent to both, byte for byte.
REQUEST = (
    b'POST /meta/caf%%C3%%A9/%%2F/?q=%%C3%%A9&q=2 HTTP/1.1\r\n'
    b'Host: 127.0.0.1:%d\r\n'
    b'Accept: text/html\r\n'
    b'Accept: */*;q=0.1\r\n'
    b'Cookie: a=1; b=2\r\n'
    b'X-Name: Andr\xe9\r\n'
    b'Content-Type: text/plain; charset=utf-8\r\n'
    b'Content-Length: 4\r\n'
    b'Connection: close\r\n'
    b'\r\n'
    b'body'
)

#: Keys whose values differ, or that only one side has -> why.
DIFFERENCES = {
    'SERVER_SOFTWARE': "gunicorn's own.",
    'RAW_URI': "gunicorn's own.",
    'gunicorn.socket': "gunicorn's own.",
    'wsgi.input_terminated': "gunicorn's own.",
    'wsgi.early_hints': "gunicorn's own.",
    'wsgi.file_wrapper': 'An offer of the WSGI server; a worker sends files in pieces.',
    'wsgi.input': 'The file object of the body. Through channels, reading the key warns.',
    'wsgi.errors': 'Through channels it is sys.stderr, and reading the key warns.',
    'wsgi.version': 'The same value; through channels, reading the key warns.',
    'wsgi.url_scheme': 'The same value; through channels, reading the key warns.',
    'wsgi.multithread': 'True through channels, and reading the key warns.',
    'wsgi.multiprocess': 'True through channels, and reading the key warns.',
    'wsgi.run_once': 'The same value; through channels, reading the key warns.',
    'REMOTE_HOST': 'Optional in CGI; through channels it is the same as REMOTE_ADDR.',
    'REMOTE_PORT': 'Another connection.',
    'SERVER_PORT': 'Another server.',
    'HTTP_HOST': 'Another server.',
}


def ask(port):
    """Return META, {key: type and value}, as the server on port has it."""
    with socket.create_connection(('127.0.0.1', port), timeout=30) as connection:
        connection.sendall(REQUEST % port)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 200, response.status
        return json.loads(response.read().decode('utf-8'))


def gather(site):
    """Return META under gunicorn and META through channels for a Subject on Redis."""
    port = free_port()
    script = os.path.join(os.path.dirname(site.python), 'gunicorn')
    gunicorn = site.start(
        'gunicorn', script, '-b', '127.0.0.1:%d' % port, 'site_under_test.wsgi:application', PYTHONPATH=site.project
    )
    gunicorn.wait_for_port(port)
    site.manage('runworker')
    return ask(port), ask(site.server()[1])


def unexplained(wsgi, channels):
    """Return the keys that differ although DIFFERENCES doesn't have them."""
    return sorted(
        key for key in set(wsgi) | set(channels) if wsgi.get(key) != channels.get(key) and key not in DIFFERENCES
    )


def table(wsgi, channels):
    """Return the page of the documentation."""
    lines = [PAGE]
    for key in sorted(set(wsgi) | set(channels), key=lambda key: (key not in wsgi, key.islower(), key)):
        lines.append('``%s``' % key)
        values = [shown(meta[key]) if key in meta else None for meta in (wsgi, channels)]
        if values[0] == values[1]:
            lines.append('    ``%s``' % values[0] if values[0] else '    Empty.')
        else:
            for name, value in zip(('WSGI', 'Channels'), values):
                lines.append('    | %s: %s' % (name, 'absent' if value is None else '``%s``' % value))
        if key in DIFFERENCES:
            lines += ['', '    %s' % DIFFERENCES[key]]
        lines.append('')
    return '\n'.join(lines)


def sections(page):
    """Return {key: text} for what a page says about the keys that don't belong to one WSGI server."""
    parts = re.split(r'^``(.*)``\n', page, flags=re.M)[1:]
    return {
        key: text.strip() for key, text in zip(parts[::2], parts[1::2]) if DIFFERENCES.get(key) != "gunicorn's own."
    }


def shown(value):
    """Return the value as it looks in every run."""
    kind, _, value = value.partition(' ')
    if kind == 'str':
        return re.sub(r'\b\d{4,5}$', 'PORT', re.sub(r'^(gunicorn)/.*', r'\1', value))
    return '(1, 0)' if kind == 'tuple' else value if kind == 'bool' else 'a %s' % kind


PAGE = """\
==================================
``request.META``, key by key
==================================

One request, sent to gunicorn and to an interface server with a worker behind
it. ``python tests/system/meta_table.py`` makes this page; a test makes sure
that no other key differs.
"""


def main():
    """Print the page."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer()
        redis.start()
        site = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=redis.url)
        try:
            site.run('migrate', '-v', '0')
            sys.stdout.write(table(*gather(site)))
        finally:
            site.stop()
            redis.stop()


if __name__ == '__main__':
    main()

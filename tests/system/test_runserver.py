"""runserver where it has no server to embed, and where it has nothing to do."""
import os
import re
import signal
import socket

import pytest
import websocket
from clients import get, socket_to
from programs import eventually, free_port
from subject import app_name

#: In front of everything else that Python imports; hides the servers.
WITHOUT_SERVERS = """
import sys
for name in ('daphne', 'interface_server'):
    sys.modules[name] = None
"""


@pytest.fixture
def without_servers(scratch):
    """Variables for a process that finds no interface server installed."""
    folder = os.path.join(scratch, 'without-servers')
    os.mkdir(folder)
    with open(os.path.join(folder, 'sitecustomize.py'), 'w') as file:
        file.write(WITHOUT_SERVERS)
    return {'PYTHONPATH': folder}


def dated(text):
    """Return output (bytes) with the only thing put out that may differ."""
    text = re.sub(rb'\w+ \d\d, \d{4} - \d\d:\d\d:\d\d', b'<date>', text)
    text = re.sub(rb'\[\d\d/\w+/\d{4} \d\d:\d\d:\d\d\]', b'[<date>]', text)
    return re.sub(rb'\r\nDate: [^\r]+', b'\r\nDate: <date>', text)


def session(site, port, *options, **env):
    """Run runserver for one request; return (stdout, stderr, response)."""
    program = site.manage('runserver', *(options + ('127.0.0.1:%d' % port,)), **env)
    program.wait_for_port(port)
    with socket.create_connection(('127.0.0.1', port), timeout=30) as connection:
        connection.sendall(b'GET /hello/?name=you HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n')
        response = b''.join(iter(lambda: connection.recv(65536), b''))
    program.wait_for('GET /hello/?name=you')
    # Not by Ctrl-C: on Python 2.7 a server that is just done with a request
    # may mistake it for a failure of that request.
    os.killpg(program.pid, signal.SIGKILL)
    program.wait_for_exit()
    return tuple(dated(part) for part in (program.raw('stdout'), program.raw('stderr'), response))


@pytest.mark.parametrize('layers, options', [
    ('empty', ['--noreload']), ('empty', []), ('empty', ['--nostatic', '--nothreading']), ('unset', ['--noreload']),
])
def test_without_channel_layers_it_is_djangos_own_byte_for_byte(sites, layers, options):
    port = free_port()
    pure = session(sites(SUT_APP='', SUT_LAYERS='unset'), port, *options)
    ours = session(sites(SUT_LAYERS=layers), port, *options)
    assert pure[2].startswith(b'HTTP/1.0 200 OK') or pure[2].startswith(b'HTTP/1.1 200 OK')
    assert ours == pure


def test_without_channel_layers_there_are_no_options_for_them(sites):
    helps = [sites(SUT_APP=app, SUT_LAYERS=layers).run('runserver', '--help').raw('stdout') for app, layers in [
        ('', 'unset'), (app_name(), 'empty'), (app_name(), 'memory'),
    ]]
    assert helps[0] == helps[1]
    assert b'--noasgi' in helps[2] and b'--noasgi' not in helps[1]


def test_without_a_server_it_is_wsgi_and_one_line_tells_why(sites, without_servers):
    port, site = free_port(), sites(SUT_LAYERS='memory')
    pure = session(sites(SUT_LAYERS='empty'), port, '--noreload')
    ours = session(site, port, '--noreload', **without_servers)
    assert ours[1:] == pure[1:]
    more = ours[0].splitlines()
    for line in pure[0].splitlines():
        more.remove(line)
    assert len(more) == 1, ours[0]
    # What it says to install is what this Python can install.
    package = b'channels-interface-server' if site.has_interface_server else b'daphne==1.4.2'
    assert b'WebSocket' in more[0] and b'pip install ' + package in more[0], more[0]


def test_without_a_server_views_are_served_by_wsgi(sites, without_servers):
    program, port = sites(SUT_LAYERS='memory').runserver(**without_servers)
    where = get(port, '/where/').json()
    assert where['wsgi_server'] and not where['channel']


def test_noasgi_is_djangos_own_server(sites):
    program, port = sites(SUT_LAYERS='memory').runserver('--noasgi')
    assert get(port, '/where/').json()['wsgi_server']


def test_banner_tells_that_websockets_are_served(sites):
    program, port = sites(SUT_LAYERS='memory').runserver()
    program.wait_for('Starting Channels development server')


def use_everything(port):
    assert get(port, '/hello/?name=you').status == 200
    assert get(port, '/nowhere/').status == 404
    socket_to(port, '/echo/').close()
    with pytest.raises(websocket.WebSocketException):
        socket_to(port, '/refused/')
    with pytest.raises(websocket.WebSocketException):
        socket_to(port, '/unrouted/')


def test_line_for_each_request_and_for_what_befalls_a_socket(sites):
    program, port = sites(SUT_LAYERS='memory').runserver()
    use_everything(port)
    for line in [
        'HTTP GET /hello/?name=you 200 [', 'HTTP GET /nowhere/ 404 [', 'WebSocket HANDSHAKING /echo/ [127.0.0.1:',
        'WebSocket CONNECT /echo/ [127.0.0.1:', 'WebSocket DISCONNECT /echo/ [127.0.0.1:',
        'WebSocket REJECT /refused/ [', '] No route for WebSockets at /unrouted/.',
    ]:
        program.wait_for(line)


def test_lines_are_colored(sites):
    site = sites(SUT_LAYERS='memory')
    if site.django.startswith('1.'):
        pytest.skip('before Django 2.2 nothing but a terminal gets colors')
    program, port = site.runserver('--force-color', DJANGO_COLORS='light')
    use_everything(port)
    program.wait_for('WebSocket REJECT /refused/')
    styles = {line: style for style, line in re.findall(
        r'(\x1b\[[\d;]+m)\[[^]]*\] ((?:HTTP GET|WebSocket \w+) /\w+/)', program.output)}
    assert styles['HTTP GET /nowhere/'] != styles['WebSocket REJECT /refused/'], program.report()
    # Success has no color in Django's palettes.
    assert 'HTTP GET /hello/' not in styles


def test_changed_file_reloads_views_and_consumers(sites):
    site = sites(SUT_LAYERS='memory')
    port = free_port()
    program = site.manage('runserver', '127.0.0.1:%d' % port)
    program.wait_for_port(port)

    def echo():
        connection = socket_to(port, '/echo/')
        try:
            connection.send('hello')
            return connection.recv()
        finally:
            connection.close()

    assert echo() == 'hello'
    before = get(port, '/where/').json()['pid']
    path = os.path.join(site.project, 'site_under_test', 'consumers.py')
    with open(path) as file:
        source = file.read()
    with open(path, 'w') as file:
        file.write(source.replace("{'text': message['text']}", "{'text': 'new ' + message['text']}"))

    def reloaded():
        # A reloader has to see the file twice to notice a change, and it may
        # not have seen it at all yet.
        os.utime(path, (os.stat(path).st_atime, os.stat(path).st_mtime + 1))
        try:
            return get(port, '/where/').json()['pid'] != before
        except OSError:
            return False

    def renewed():
        try:
            return echo() == 'new hello'
        except (OSError, websocket.WebSocketException):
            return False

    eventually(reloaded, 'the reload of views')
    eventually(renewed, 'the reload of consumers')

"""The JavaScript client in a browser whose connection breaks while it sends."""
import base64
import functools
import hashlib
import http.server
import json
import os
import socket
import struct
import threading

import pytest
import subject
from browser import Browser
from programs import PATIENCE

pytestmark = pytest.mark.once

CLIENT = os.path.join(
    subject.CHECKOUT, 'django_patch', 'django', 'channels', 'static', 'channels', 'js', 'websocketbridge.js')
#: Of RFC 6455 section 1.3.
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
CONNECT = """
window.seen = [];
const bridge = window.bridge = new channels.WebSocketBridge();
bridge.connect('ws://127.0.0.1:' + arguments[0] + '/', undefined, {minReconnectionDelay: 100000});
bridge.socket.onopen = () => seen.push('open');
bridge.socket.onclose = () => seen.push('close');
bridge.socket.onunsent = (event) => seen.push(event.messages.map((text) => JSON.parse(text).n));
"""
SEND = """
const [count, size] = arguments;
return Array.from({length: count}, (_, n) => bridge.send({n: n, text: 'x'.repeat(size)}));
"""


class Connection:
    """The server's side of a WebSocket, which reads as much as a test wants."""

    def __init__(self, listener):
        listener.settimeout(PATIENCE)
        self._socket = listener.accept()[0]
        self._socket.settimeout(PATIENCE)
        self._file = self._socket.makefile('rb')
        lines = [line.partition(b':') for line in iter(self._file.readline, b'\r\n')]
        key, = [value.strip() for name, _, value in lines if name.lower() == b'sec-websocket-key']
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self._socket.sendall(
            b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')

    def read_message(self):
        """Return the next message of the browser, decoded from JSON."""
        data = b''
        while True:
            first, length = struct.unpack('!BB', self._file.read(2))
            length &= 0x7f
            if length > 125:
                length, = struct.unpack(*(('!H', self._file.read(2)) if length == 126 else ('!Q', self._file.read(8))))
            mask = self._file.read(4)
            payload = self._file.read(length)
            mask = (mask * (length // 4 + 1))[:length]
            data += (int.from_bytes(payload, 'big') ^ int.from_bytes(mask, 'big')).to_bytes(length, 'big')
            if first & 0x80:
                return json.loads(data.decode('utf-8'))

    def abort(self):
        """Break the connection, as a server that is killed."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self._file.close()
        self._socket.close()


@pytest.fixture
def browser():
    """A Browser with a page that has the client, of this machine, as Chromium wants it of one that connects to it."""
    folder, name = os.path.split(CLIENT)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = Browser()
        opened.driver.get('http://127.0.0.1:%d/%s' % (server.server_port, name))
        with open(CLIENT, encoding='utf-8') as source:
            opened.driver.execute_script('window.eval(arguments[0])', source.read())
        yield opened
        opened.close()
        server.shutdown()


@pytest.mark.parametrize('count, size, reads', [(40, 1000000, 0), (40, 1000000, 3), (2000, 20000, 100), (5, 100, 5)])
def test_what_is_in_the_browser_still_is_reported(browser, count, size, reads):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        browser.driver.execute_script(CONNECT, listener.getsockname()[1])
        connection = Connection(listener)
    browser.until(lambda: browser.driver.execute_script('return seen[0]') == 'open', 'it is open')
    assert browser.driver.execute_script(SEND, count, size) == [True] * count
    assert [connection.read_message()['n'] for _ in range(reads)] == list(range(reads))
    connection.abort()
    browser.until(lambda: browser.driver.execute_script('return seen[1]') == 'close', 'it is closed')
    reported = browser.driver.execute_script('return seen[2] || []')
    # More than what was on its way can be; all of what is too much for that.
    assert reported == list(range(count - len(reported), count))
    assert len(reported) <= count - reads
    if reads < count:
        assert reported
    assert browser.driver.execute_script('return bridge.socket.waiting') == []

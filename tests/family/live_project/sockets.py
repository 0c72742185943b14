"""A WebSocket client for tests, of the standard library alone."""
from __future__ import unicode_literals

import os
import socket
import struct


class Socket(object):
    """An open WebSocket at `url`; `status` is that of the handshake's answer."""

    def __init__(self, url, cookie='a=b'):
        host, path = url.split('://')[1].split('/', 1)
        name, port = host.split(':')
        self._socket = socket.create_connection((name, int(port)), timeout=30)
        self._socket.sendall((
            'GET /%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nCookie: %s\r\n'
            'Origin: http://%s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
            % (path, host, cookie, host)).encode('ascii'))
        self._file = self._socket.makefile('rb')
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass

    def send(self, text):
        body, mask = bytearray(text.encode('utf-8')), bytearray(os.urandom(4))
        masked = bytearray(byte ^ mask[index % 4] for index, byte in enumerate(body))
        self._socket.sendall(bytes(bytearray([0x81, 0x80 | len(body)]) + mask + masked))

    def receive(self):
        """Return the text of the next frame, or the number that it is closed with."""
        first, length = bytearray(self._file.read(2))
        body = self._file.read(length)
        return struct.unpack(str('>H'), body[:2])[0] if first == 0x88 else body.decode('utf-8')

    def close(self):
        self._file.close()
        self._socket.close()

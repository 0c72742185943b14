"""
Clients of a server under test, which show what is on the wire.
"""
import base64
import os
import socket
import struct

PATIENCE = 20


class Closed(Exception):
    """Raised when the server closes the connection."""


class Client:
    """One connection that speaks HTTP/1.1, and then maybe WebSocket."""

    def __init__(self, address):
        host, _, port = address.rpartition(':')
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.data = b''

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed('at its end')
        self.data += data

    def take(self, size):
        while len(self.data) < size:
            self._more()
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while b'\r\n' not in self.data:
            self._more()
        line, _, self.data = self.data.partition(b'\r\n')
        return line

    # HTTP

    def request(self, method='GET', target='/', headers=(), body=b''):
        """Send a request; `headers` are lines of bytes."""
        lines = [b'%s %s HTTP/1.1' % (method.encode(), target.encode('latin-1')), b'Host: localhost'] + list(headers)
        if body:
            lines.append(b'Content-Length: %d' % len(body))
        self.send(b'\r\n'.join(lines) + b'\r\n\r\n' + body)

    def head(self):
        """Return (status, [(name in lower case, value)])."""
        status = int(self.line().split(b' ')[1])
        headers = []
        while True:
            line = self.line()
            if not line:
                return status, headers
            name, _, value = line.partition(b':')
            headers.append((name.lower(), value.strip()))

    def response(self, method='GET'):
        """Return (status, headers, content, whether it is complete)."""
        status, headers = self.head()
        named, content = dict(headers), b''
        if method == 'HEAD' or status in (204, 304):
            return status, headers, b'', True
        try:
            if named.get(b'transfer-encoding') == b'chunked':
                while True:
                    size = int(self.line(), 16)
                    content += self.take(size)
                    self.line()
                    if not size:
                        return status, headers, content, True
            if b'content-length' in named:
                size = int(named[b'content-length'])
                while len(self.data) < size:
                    self._more()
                return status, headers, self.take(size), True
            while True:
                self._more()
        except Closed:
            complete = b'content-length' not in named and b'transfer-encoding' not in named
            content, self.data = content + self.data, b''
            return status, headers, content, complete

    # WebSocket

    def handshake(self, target='/', offers=(), **headers):
        """Begin a handshake."""
        lines = {
            'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
        }
        if offers:
            lines['Sec-WebSocket-Protocol'] = ', '.join(offers)
        lines.update(headers)
        self.request('GET', target, [('%s: %s' % line).encode() for line in lines.items() if line[1] is not None])

    def frame(self, opcode, data, last=True):
        """Send a frame, masked by zeros; the rest of its message may come later."""
        size, opcode = len(data), opcode | 128 * last
        if size < 126:
            head = struct.pack('>BB', opcode, 128 | size)
        elif size < 65536:
            head = struct.pack('>BBH', opcode, 254, size)
        else:
            head = struct.pack('>BBQ', opcode, 255, size)
        self.send(head + b'\0\0\0\0' + data)

    def end(self, data):
        """Close as a client does: a frame, the answer to it, the connection."""
        self.frame(8, data)
        while 'close' not in self.event():
            continue
        self.close()

    def event(self):
        """Return the next thing that the server sends, pings apart."""
        while True:
            opcode, size = self.take(2)
            if size == 126:
                size, = struct.unpack('>H', self.take(2))
            elif size == 127:
                size, = struct.unpack('>Q', self.take(8))
            data = self.take(size)
            if opcode & 15 == 1:
                return {'text': data.decode()}
            if opcode & 15 == 2:
                return {'bytes': data}
            if opcode & 15 == 10:
                return {'pong': data}
            if opcode & 15 == 8:
                code = struct.unpack('>H', data[:2])[0] if data else 1005
                return {'close': {'code': code, 'reason': data[2:].decode()}}

"""
WebSocket clients for the soak, on asyncio's protocols: each checks for itself
that it misses nothing, or reads nothing at all.
"""
import asyncio
import socket
import struct

#: RFC 6455, 5.2.
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode, payload=b''):
    """Return a client's frame, of less than 64 kB. A mask of zeros is one."""
    size = len(payload)
    if size < 126:
        head = struct.pack('!BB', 0x80 | opcode, 0x80 | size)
    else:
        head = struct.pack('!BBH', 0x80 | opcode, 0xfe, size)
    return head + bytes(4) + payload


def frames(buffer):
    """Take all whole frames of a server out of `buffer`, a bytearray; return [(opcode, payload), ...]."""
    found, position = [], 0
    while len(buffer) - position >= 2:
        opcode, size, head = buffer[position] & 15, buffer[position + 1] & 127, 2
        if size == 126:
            if len(buffer) - position < 4:
                break
            size, head = struct.unpack_from('!H', buffer, position + 2)[0], 4
        elif size == 127:
            if len(buffer) - position < 10:
                break
            size, head = struct.unpack_from('!Q', buffer, position + 2)[0], 10
        if len(buffer) - position < head + size:
            break
        found.append((opcode, bytes(buffer[position + head:position + head + size])))
        position += head + size
    del buffer[:position]
    return found


class Listener(asyncio.Protocol):
    """
    A client that reads what it gets: messages that begin with a number.

    `lost` and `repeated` count what is missing, and what came twice, between
    the first number that it got and the last.
    """

    def __init__(self):
        self.opened = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        self.buffer = bytearray()
        self.is_open = False
        self.first = self.last = None
        self.lost = self.repeated = self.received = 0
        self.close_code = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        if not self.is_open:
            end = self.buffer.find(b'\r\n\r\n')
            if end < 0:
                return
            head = bytes(self.buffer[:end])
            del self.buffer[:end + 4]
            if not head.startswith(b'HTTP/1.1 101'):
                self.opened.set_exception(ConnectionError(head.split(b'\r\n')[0].decode()))
                self.transport.close()
                return
            self.is_open = True
            self.opened.set_result(None)
        for opcode, payload in frames(self.buffer):
            if opcode == TEXT:
                self.number_received(int(payload[:8]))
            elif opcode == PING:
                self.transport.write(frame(PONG, payload))
            elif opcode == CLOSE:
                self.close_code = struct.unpack_from('!H', payload)[0] if payload else 1005
                self.transport.close()

    def number_received(self, number):
        self.received += 1
        if self.first is None:
            self.first = number
        elif number <= self.last:
            self.repeated += 1
            return
        else:
            self.lost += number - self.last - 1
        self.last = number

    def connection_lost(self, error):
        self.is_open = False
        for future in (self.opened, self.ended):
            if not future.done():
                future.set_result(None)

    def send(self, number, size):
        """Send a message with that number."""
        self.transport.write(frame(TEXT, b'%08d' % number + b'x' * (size - 8)))

    def close(self):
        """Say good-bye; the server answers, or hangs up."""
        if self.is_open:
            self.transport.write(frame(CLOSE, struct.pack('!H', 1000)))


class Sluggard(Listener):
    """A client that never reads, but is there: it sends a ping now and then."""

    def data_received(self, data):
        super().data_received(data)
        if self.is_open:
            self.transport.pause_reading()

    def ping(self):
        """Say that it is there."""
        if not self.transport.is_closing():
            self.transport.write(frame(PING))


async def connect(port, path, client):
    """Open a WebSocket with the protocol `client`; return it once the server has accepted."""
    connection = socket.socket()
    if isinstance(client, Sluggard):
        # The less the kernel holds for it, the sooner the server notices.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ('127.0.0.1', port))
    await loop.create_connection(lambda: client, sock=connection)
    client.transport.write((
        'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        'Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n' % (path, port, 'AAAAAAAAAAAAAAAAAAAAAA==')
    ).encode())
    await asyncio.wait_for(client.opened, 60)
    return client

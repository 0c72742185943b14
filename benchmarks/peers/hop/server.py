"""
The server: requests go to the list "requests", their answers come by "answers".

    python server.py PORT
"""
import asyncio
import os
import sys
import urllib.parse

import hiredis
import httptools
import msgpack
import uvloop

#: Bytes from which a body lies beside the message: Redis carries a string more cheaply.
BESIDE = 65536


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
            number, status, headers, body = msgpack.unpackb(data)
            self.waiting.pop(number).answer(status, headers, body)
        self.ask()

    def send(self, client, method, target, headers, body):
        self.number += 1
        self.waiting[self.number] = client
        if not self.pending:
            self.loop.call_soon(self.flush)
        if len(body) >= BESIDE:
            self.pending.append(hiredis.pack_command(('SET', 'body:%d' % self.number, body)))
            body = None
        message = msgpack.packb((self.number, method, target, headers, body))
        self.pending.append(hiredis.pack_command(('RPUSH', 'requests', message)))

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
        self.parser.feed_data(data)

    def on_message_begin(self):
        self.target, self.headers, self.body = b'', [], []

    def on_url(self, part):
        self.target += part

    def on_header(self, name, value):
        self.headers.append((name, value))
        if name.lower() == b'expect':
            self.transport.write(b'HTTP/1.1 100 Continue\r\n\r\n')

    def on_body(self, part):
        self.body.append(part)

    def on_message_complete(self):
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


async def serve(port, redis):
    hop = Hop()
    await hop.connect(redis.hostname, redis.port)
    server = await hop.loop.create_server(lambda: Http(hop), '127.0.0.1', port)
    await server.serve_forever()


uvloop.run(serve(int(sys.argv[1]), urllib.parse.urlsplit(os.environ['BENCH_REDIS'])))

"""
What RESP3 would cost or save against RESP2, for what the transport says.

    python benchmarks/resp3.py redis://127.0.0.1:6379/0

It needs hiredis, and a Redis whose keys that begin with "resp3:" it may
delete. What it says is quoted in docs/standards/transport.txt, section 2.1,
which decides by it.
"""
import hashlib
import os
import socket
import sys
import time
import urllib.parse

import hiredis

ROUNDS, CALLS = 6, 3000
LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'docs', 'standards', 'lua')
SEND = ''.join(open(os.path.join(LUA, name), encoding='utf-8').read() for name in (
    'send_first.lua', 'prelude.lua', 'sending.lua', 'send.lua'))
QUEUE, STATISTICS = 'resp3:{0}:q:n', 'resp3:{0}:statistics'
ENTRY = b'\1\1' + bytes(8) + b'\0\0' + b'\x81\xa4text\xd9\x96' + b'x' * 150


class Client:
    """A connection that speaks one version of the protocol."""

    def __init__(self, address, version):
        self.socket = socket.create_connection(address, timeout=15)
        self.reader = hiredis.Reader()
        self.received = 0
        self.cpu = self.wall = 0.0
        if version == 3:
            self.call('HELLO', '3')
        self.call('SCRIPT', 'LOAD', SEND)

    def call(self, *arguments):
        """Send one command and return its reply."""
        self.socket.sendall(hiredis.pack_command(arguments))
        while True:
            reply = self.reader.gets()
            if reply is not False:
                return reply
            data = self.socket.recv(65536)
            self.received += len(data)
            self.reader.feed(data)


def send_and_receive(client, sha):
    """One message by the script, and its receipt."""
    client.call('EVALSHA', sha, '2', QUEUE, STATISTICS, '60000', '100', 'n', '86400000', '', ENTRY)
    client.call('LMPOP', '1', QUEUE, 'LEFT', 'COUNT', '1')


def look_in_vain(client, sha):
    """A look at an empty queue."""
    client.call('LMPOP', '1', QUEUE, 'LEFT', 'COUNT', '1')


def read_counters(client, sha):
    """All counters, of which there are 200: a map in RESP3."""
    client.call('HGETALL', STATISTICS)


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    address = url.hostname, url.port or 6379
    sha = hashlib.sha1(SEND.encode()).hexdigest()
    for task in (send_and_receive, look_in_vain, read_counters):
        clients = {version: Client(address, version) for version in (2, 3)}
        clients[2].call('HSET', STATISTICS, *[part for number in range(200) for part in ('sent:%d' % number, '12345')])
        for client in clients.values():
            client.received = 0
        for number in range(ROUNDS):
            for version in ((2, 3), (3, 2))[number % 2]:
                client = clients[version]
                cpu, wall = time.process_time(), time.perf_counter()
                for _ in range(CALLS):
                    task(client, sha)
                client.cpu += time.process_time() - cpu
                client.wall += time.perf_counter() - wall
        for version, client in clients.items():
            each = ROUNDS * CALLS
            print('%-17s RESP%d  %6.1f us, of which %5.1f us of the client, %7.1f bytes received' % (
                task.__name__, version, client.wall / each * 1e6, client.cpu / each * 1e6, client.received / each,
            ))
        clients[2].call('DEL', QUEUE, STATISTICS)


if __name__ == '__main__':
    main()

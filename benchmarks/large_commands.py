"""
What Redis spends on a large message, by the commands alone.

    python benchmarks/large_commands.py redis://127.0.0.1:6379/0 [WAITING]

For each way to carry it, the processor time of the server for one message, in
and out, while its reader waits, or with so many WAITING before it: the least of
some rounds, in which the ways take turns, since what else a machine does only
adds to it. It needs hiredis, and a Redis of this machine, which has nothing
else to do, whose keys that begin with "large:" it may delete. Section 10.3 of
docs/standards/transport.txt and docs/benchmarks.txt quote it.
"""
import os
import re
import socket
import struct
import sys
import time
import urllib.parse

import hiredis

ROUNDS = 15
#: Bytes of a message, and how many of them each round has.
SIZES = {30000: 200, 100000: 150, 1000000: 20}
LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'docs', 'standards', 'lua')
QUEUE, COUNTERS, ACKNOWLEDGED, PIECES = ['large:{0}:' + name for name in ('q:n', 'statistics', 'acknowledged', 'b:x')]


def lua(*names):
    """Return the text of a script."""
    return ''.join(open(os.path.join(LUA, name + '.lua'), encoding='utf-8').read() for name in names)


class Client:
    """A connection."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()
        self._expected = 0

    def write(self, *commands):
        """Send commands in one write."""
        self._socket.sendall(b''.join(map(hiredis.pack_command, commands)))
        self._expected += len(commands)

    def read(self):
        """Return the replies to all that was written, a list."""
        replies = []
        while self._expected:
            reply = self._reader.gets()
            if reply is False:
                self._reader.feed(self._socket.recv(131072))
                continue
            if isinstance(reply, Exception):
                raise reply
            replies.append(reply)
            self._expected -= 1
        return replies

    def call(self, *commands):
        """Send commands in one write, and return their replies."""
        self.write(*commands)
        return self.read()


class Ways:
    """The ways to carry a message from `sender` to `reader`, Clients; each is a method with a docstring for a name."""

    def __init__(self, sender, reader):
        self.sender, self.reader = sender, reader
        # Messages that are to wait, that were sent, and that were received.
        self.waiting = self.sent = self.received = 0
        self.send, self.release = sender.call(*[('SCRIPT', 'LOAD', text) for text in (
            lua('send_first', 'prelude', 'sending', 'send'), lua('release'))])
        self.keep = re.sub('(?m)^ *--.*\n|^ +', '', lua('keep'))

    def pass_on(self, *commands, then=()):
        """Have the reader wait, the sender send, and the reader do what comes `then`; return what it got."""
        self.sent += 1
        commands = numbered(commands, self.sent)
        if self.sent - self.received <= self.waiting:
            self.sender.call(*commands)
            return b''
        self.reader.write(('BLPOP', QUEUE, '30'))
        self.sender.call(*commands)
        got = self.reader.read()[0][1]
        self.received += 1
        return self.reader.call(*numbered(then, self.received))[0] if then else got

    def clear(self):
        """Delete what waits."""
        self.sender.call(('DEL', QUEUE, *(PIECES + str(number) for number in range(self.received + 1, self.sent + 1))))
        self.sent = self.received = 0

    def script(self, body):
        """Return the call of send.lua with an entry that has `body`."""
        entry = b'\1\1' + struct.pack('>Q', int(time.time() * 1000) + 60000) + b'\0\0' + body
        return ('EVALSHA', self.send, '3', QUEUE, COUNTERS, ACKNOWLEDGED, '60000', '100', 'n', '86400000', '', entry)

    def bare(self, body):
        """RPUSH, BLPOP"""
        return self.pass_on(('RPUSH', QUEUE, body))

    def through_script(self, body):
        """send.lua with the message, BLPOP"""
        return self.pass_on(self.script(body))[12:]

    def hash(self, body):
        """HSET, PEXPIRE, send.lua, BLPOP, HGET, release.lua"""
        return self.pass_on(
            ('HSET', PIECES, '0', body, 'readers', '1'), ('PEXPIRE', PIECES, '120000'), self.script(b'x' * 28),
            then=[('HGET', PIECES, '0'), ('EVALSHA', self.release, '1', PIECES)],
        )

    def string(self, body):
        """SET, send.lua, BLPOP, GETDEL"""
        return self.pass_on(
            ('SET', PIECES, body, 'PX', '120000'), self.script(b'x' * 28), then=[('GETDEL', PIECES)])

    def transaction(self, body):
        """MULTI, RPUSH, keep.lua, EXEC, BLPOP"""
        deadline = int(time.time() * 1000) + 60000
        entry = b'\1\1' + struct.pack('>Q', deadline) + b'\0\0' + body
        return self.pass_on(
            ('MULTI',), ('RPUSH', QUEUE, entry, deadline),
            ('EVAL', self.keep, '3', QUEUE, COUNTERS, ACKNOWLEDGED, '60000', '100', 'n', '86400000', '', '', deadline),
            ('EXEC',),
        )[12:]


def numbered(commands, number):
    """Return `commands` for the message of this number: each has a key of its own."""
    return [tuple(PIECES + str(number) if part == PIECES else part for part in command) for command in commands]


def used(client):
    """Return the seconds of processor time that the server has used."""
    facts = dict(line.split(':') for line in client.call(('INFO', 'cpu'))[0].decode().split() if ':' in line)
    return float(facts['used_cpu_user']) + float(facts['used_cpu_sys'])


def main(url, waiting=0):
    parts = urllib.parse.urlsplit(url)
    clients = [Client((parts.hostname, parts.port)) for _ in range(2)]
    ways = Ways(*clients)
    ways.waiting = int(waiting)
    methods = ways.bare, ways.through_script, ways.hash, ways.string, ways.transaction
    for size, number in SIZES.items():
        body, found = os.urandom(size), {method: [] for method in methods}
        for _ in range(ROUNDS):
            for method in methods:
                for _ in range(ways.waiting):
                    method(body)
                if method(body) != body:
                    sys.exit('%s: something else arrived' % method.__doc__)
                before = used(clients[0])
                for _ in range(number):
                    method(body)
                found[method].append((used(clients[0]) - before) / number * 1e6)
                ways.clear()
        for method in methods:
            print('%9d bytes  %5.0f us  %s' % (size, min(found[method]), method.__doc__))
    clients[0].call(('DEL', QUEUE, COUNTERS, ACKNOWLEDGED, PIECES))


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])

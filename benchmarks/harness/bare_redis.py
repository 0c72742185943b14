"""
A Redis server of its own, and ways to ask it that take turns: what the scripts
have in common that time commands alone.
"""
import contextlib
import os
import socket
import subprocess
import tempfile
import time

from .programs import free_port


def connect(port):
    """Return a socket to the server at `port`, which waits for no more bytes before it sends some."""
    sock = socket.create_connection(('127.0.0.1', port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(True)
    return sock


@contextlib.contextmanager
def redis_server():
    """Run a server; yield (its port, its pid) once it can be connected to."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        redis = subprocess.Popen(
            ['redis-server', '--port', str(port), '--save', '', '--dir', folder, '--bind', '127.0.0.1'],
            stdout=subprocess.DEVNULL)
        try:
            while True:
                try:
                    connect(port).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            yield port, redis.pid
        finally:
            redis.terminate()
            redis.wait()


def measure_in_turns(ways, measure, rounds):
    """
    Return {way: [measure(way, port, pid), ...]}, one of each round, on a server of their own.

    Print the load of the machine, which explains a part of them.
    """
    found = {way: [] for way in ways}
    with redis_server() as (port, pid):
        for _ in range(rounds):
            for way in ways:
                found[way].append(measure(way, port, pid))
    print('load of the machine: %.2f' % os.getloadavg()[0])
    return found

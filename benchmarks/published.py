"""
What it costs that a message is kept until its reader comes, by the commands alone.

    python benchmarks/published.py [ROUNDS]

A process sends messages of 215 bytes to a Redis of its own, one at a time, and
another reads all the time; neither does anything with them. For each way to send
one, the rate, and the processor time of Redis and of the sender for a message, in
us: the median of some rounds, in which the ways take turns, with the least and the
most. It needs Linux and redis-server. docs/benchmarks.txt quotes it.
"""
import os
import statistics
import subprocess
import sys
import time

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness.bare_redis import connect, measure_in_turns  # noqa: E402: found by the line above

SECONDS = 1.0
BODY = 215 * b'x'
#: What a group's message needs at least: who reads, how many wait, an expiry, a count.
SCRIPT = b"""
local call, keys = redis.call, KEYS
call('TIME')
call('HGETALL', keys[2])
local length = call('RPUSH', keys[1], ARGV[1])
call('PEXPIRE', keys[1], '60000')
call('HINCRBY', keys[3], 'sent', '1')
return length
"""


def command(*parts):
    """Return the bytes of a command."""
    return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(part), part) for part in parts)


SUBSCRIBE = command(b'SUBSCRIBE', b'channel')
TAKE = command(b'BLMPOP', b'10', b'1', b'queue', b'LEFT', b'COUNT', b'64')
#: Name -> (what sends, or None if the script has to be loaded first, the command
#: of a reader, whether that is given once).
WAYS = {
    'PUBLISH': (command(b'PUBLISH', b'channel', BODY), SUBSCRIBE, True),
    'RPUSH': (command(b'RPUSH', b'queue', BODY), TAKE, False),
    'script': (None, TAKE, False),
}


def ask(sock, packed):
    sock.sendall(packed)
    return sock.recv(1000)


def used(pid):
    """Return the seconds of processor time of a process."""
    return sum(
        int(open('/proc/%d/task/%s/schedstat' % (pid, task)).read().split()[0]) / 1e9
        for task in os.listdir('/proc/%d/task' % pid))


def read(name, port):
    """Be the reader, until it is ended."""
    sock, (_, asked, is_lasting) = connect(port), WAYS[name]
    if is_lasting:
        sock.sendall(asked)
    print('ready', flush=True)
    while True:
        if not is_lasting:
            sock.sendall(asked)
        if not sock.recv(65536):
            break


def measure(name, port, redis):
    """Return (messages a second, us of Redis, us of the sender)."""
    reader = subprocess.Popen([sys.executable, __file__, name, str(port)], stdout=subprocess.PIPE)
    try:
        reader.stdout.readline()
        sock, packed = connect(port), WAYS[name][0]
        if name == 'script':
            ask(sock, command(b'HSET', b'group', b'reader', 20 * b'x'))
            sha = ask(sock, command(b'SCRIPT', b'LOAD', SCRIPT)).split(b'\r\n')[1]
            packed = command(b'EVALSHA', sha, b'3', b'queue', b'group', b'counters', BODY)
        for _ in range(500):
            ask(sock, packed)
        number, redis_before, before, begin = 0, used(redis), time.process_time(), time.monotonic()
        while time.monotonic() - begin < SECONDS:
            ask(sock, packed)
            number += 1
        seconds = time.monotonic() - begin
        return number / seconds, (used(redis) - redis_before) / number * 1e6, (
            time.process_time() - before) / number * 1e6
    finally:
        reader.kill()
        reader.wait()


def main(rounds=7):
    found = measure_in_turns(WAYS, measure, rounds)
    for name, rows in found.items():
        print('%-8s' % name, '  '.join(
            '%s %.0f (%.0f..%.0f)' % (what, statistics.median(column), min(column), max(column))
            for what, column in zip(('messages/s', 'us of Redis', 'us of the sender'), zip(*rows))))


if __name__ == '__main__':
    if len(sys.argv) == 3:
        read(sys.argv[1], int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))

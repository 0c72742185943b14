"""
What it costs to enqueue a message and to wait for its answer, by the commands alone.

    python benchmarks/waits.py [ROUNDS]

A process sends messages of 100 bytes to a Redis of its own, one at a time, and
another takes up to ten at once; neither does anything with them. For each way to
wait for the answer, the processor time of all three for one message, in us, and
how often each of them slept for it: the median of some rounds, in which the ways
take turns, with the least and the most. What else the machine does changes who
sleeps, so it is to be told beside the figures: run it alone, and beside a busy loop
for each processor. It needs Linux and redis-server. docs/benchmarks.txt quotes it.
"""
import os
import socket
import statistics
import subprocess
import sys

if __name__ == '__main__':
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.harness.bare_redis import connect, measure_in_turns  # noqa: E402: found by the line above

MESSAGES = 5000
PUT = b'*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$100\r\n' + 100 * b'x' + b'\r\n'
TAKE = b'*7\r\n$6\r\nBLMPOP\r\n$2\r\n10\r\n$1\r\n1\r\n$1\r\nq\r\n$4\r\nLEFT\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n'


def asleep(sock):
    """The answer is waited for by recv()."""
    for _ in range(MESSAGES):
        sock.sendall(PUT)
        sock.recv(100)


def awake(sock):
    """The answer is looked for until it is there."""
    for _ in range(MESSAGES):
        sock.sendall(PUT)
        while True:
            try:
                sock.recv(100, socket.MSG_DONTWAIT)
                break
            except BlockingIOError:
                os.sched_yield()


def together(sock):
    """Ten are sent before the answers are waited for."""
    for _ in range(MESSAGES // 10):
        sock.sendall(PUT * 10)
        answers = b''
        while answers.count(b'\n') < 10:
            answers += sock.recv(1000)


def take(sock):
    got = 0
    while got < MESSAGES:
        sock.sendall(TAKE)
        answer = b''
        # The items are all alike, but for the last line end nothing tells the end.
        while not answer.endswith(b'x\r\n'):
            answer += sock.recv(65536)
        number = int(answer[answer.index(b'q\r\n*') + 4:].split(b'\r', 1)[0])
        while answer.count(100 * b'x') < number:
            answer += sock.recv(65536)
        got += number


WAYS = {way.__name__: way for way in (asleep, awake, together)}


def used(pid):
    """Return (seconds of processor time, voluntary switches) of a process."""
    seconds = switches = 0
    for task in os.listdir('/proc/%d/task' % pid):
        seconds += int(open('/proc/%d/task/%s/schedstat' % (pid, task)).read().split()[0]) / 1e9
        for line in open('/proc/%d/task/%s/status' % (pid, task)):
            if line.startswith('voluntary_ctxt_switches'):
                switches += int(line.split()[1])
    return seconds, switches


def measure(name, port, redis):
    """Return (us of all, and sleeps of sender, Redis and taker) for a message."""
    def start(role):
        return subprocess.Popen(
            [sys.executable, __file__, role, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    programs = [start('take'), start(name)]
    for program in programs:
        program.stdout.readline()
    pids = [programs[1].pid, redis, programs[0].pid]
    before = [used(pid) for pid in pids]
    for program in programs:
        program.stdin.write(b'\n')
        program.stdin.flush()
    for program in programs:
        program.stdout.readline()
    after = [used(pid) for pid in pids]
    for program in programs:
        program.communicate()
    us = sum(end[0] - begin[0] for begin, end in zip(before, after)) / MESSAGES * 1e6
    return [us] + [(end[1] - begin[1]) / MESSAGES for begin, end in zip(before, after)]


def end(role, port):
    """Be one end: connected, then from a line of stdin on."""
    sock = connect(port)
    print('ready', flush=True)
    sys.stdin.readline()
    WAYS.get(role, take)(sock)
    print('done', flush=True)
    sys.stdin.read()


def main(rounds=5):
    found = measure_in_turns(WAYS, measure, rounds)
    for name, rows in found.items():
        us, *sleeps = zip(*rows)
        print('%-9s %4.0f us (%.0f..%.0f); sleeps of sender, Redis, taker: %s' % (
            name, statistics.median(us), min(us), max(us),
            ', '.join('%.2f' % statistics.median(column) for column in sleeps)))


if __name__ == '__main__':
    if len(sys.argv) == 3:
        end(sys.argv[1], int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))

"""
Programs that are measured: started, asked over their standard streams, ended.
"""
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

from harness.process import clean_environment

#: Seconds that a program may take to start, to answer and to end.
PATIENCE = 60


class ProgramFailed(Exception):
    """Raised when a program ended, or didn't do in time what it had to; shows the end of its log."""


def free_port():
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Program:
    """
    A process that leads a session of its own; what it logs goes to a file.

    With `talks`, its standard streams are pipes: tell() and answer().
    """
    running = []

    def __init__(self, name, command, log, cwd=None, env=None, talks=False):
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, 'ab') as output:
            output.write(('$ %s\n' % ' '.join(map(str, command))).encode())
            output.flush()
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=cwd, env=clean_environment(**(env or {})),
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output, stderr=output, start_new_session=True,
            )
        self._rest = b''
        Program.running.append(self)

    @property
    def pid(self):
        return self.process.pid

    def failed(self, what):
        """Return the ProgramFailed that says what went wrong."""
        with open(self.log, 'rb') as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 2000))
            tail = file.read().decode('utf-8', 'replace').strip()
        return ProgramFailed('%s %s (status %s).\nIts log, %s, ends:\n%s' % (
            self.name, what, self.process.poll(), self.log, tail))

    # Talking

    def tell(self, line):
        """Write a line to its standard input."""
        try:
            self.process.stdin.write(line.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failed('has ended') from None

    def answer(self, timeout=PATIENCE):
        """Return the next line that it writes, read as JSON."""
        until = time.monotonic() + timeout
        while b'\n' not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise self.failed('did not answer within %d s' % timeout)
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                self.process.wait(10)
                raise self.failed('ended without an answer')
            self._rest += piece
        line, _, self._rest = self._rest.partition(b'\n')
        try:
            return json.loads(line.decode())
        except ValueError:
            raise self.failed('answered %r' % line) from None

    # Life

    def wait_for_port(self, port, timeout=PATIENCE):
        """Return once somebody listens on the port."""
        until = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise self.failed('ended before it listened')
            try:
                socket.create_connection(('127.0.0.1', port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise self.failed('does not listen on port %d' % port) from None
                time.sleep(0.05)

    def signal(self, number):
        """Send a signal to the whole session."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # Nothing of it is left.
            pass

    def stop(self):
        """End it and all that it started."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                # The group is killed below.
                pass
        self.signal(signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    # What was not written is of no interest any more.
                    pass
        if self in Program.running:
            Program.running.remove(self)


def stop_all(programs):
    """Stop several programs at the same time."""
    threads = [threading.Thread(target=program.stop) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

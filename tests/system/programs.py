"""
Programs that the tests start: output that can be waited for, signals, an end.

Every wait has a deadline and ends as soon as what it waits for has happened;
upon failure it shows the output so far.
"""
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

from redis_server import free_port

#: Seconds that starting, stopping and answering may take on a busy machine.
PATIENCE = 45

#: Variables of the caller that would change what a program under test sees.
DROPPED = ('DJANGO_SETTINGS_MODULE', 'PYTHONHOME', 'PYTHONPATH', 'PYTHONWARNINGS', '__PYVENV_LAUNCHER__')


class Unexpected(AssertionError):
    """A program did not do what the test waits for."""


def free_ports(number):
    """Return the first of so many free TCP ports in a row."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + number):
                    stack.enter_context(socket.socket()).bind(('127.0.0.1', port))
            except (OSError, OverflowError):
                continue
        return first


def eventually(condition, what, timeout=PATIENCE):
    """Return the first true value of condition(); Unexpected after timeout s."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Unexpected('%s did not happen within %d s' % (what, timeout))
        pause.wait(0.05)


class Program:
    """One running program, which inherits `pass_fds`; stdout and stderr are kept together and apart."""

    def __init__(self, name, command, cwd, env, pass_fds=()):
        self.name = name
        self.command = [str(part) for part in command]
        environ = {key: value for key, value in os.environ.items() if key not in DROPPED}
        environ.update({'PYTHONUNBUFFERED': '1', 'PYTHONDONTWRITEBYTECODE': '1'}, **env)
        self.changed = threading.Condition()
        self.pieces = {'stdout': [], 'stderr': []}
        self.all = []
        self.process = subprocess.Popen(
            self.command, cwd=str(cwd), env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            pass_fds=pass_fds,
        )
        self.readers = [
            threading.Thread(target=self._read, args=(stream, getattr(self.process, stream)), daemon=True)
            for stream in self.pieces
        ]
        for reader in self.readers:
            reader.start()

    def _read(self, stream, pipe):
        while True:
            piece = os.read(pipe.fileno(), 65536)
            with self.changed:
                self.changed.notify_all()
                if not piece:
                    return
                self.pieces[stream].append(piece)
                self.all.append(piece)

    def raw(self, stream):
        """Return what came on 'stdout' or 'stderr' so far, as bytes."""
        with self.changed:
            return b''.join(self.pieces[stream])

    @property
    def output(self):
        """All output so far, as text, both streams as they came."""
        with self.changed:
            return b''.join(self.all).decode('utf-8', 'replace')

    @property
    def pid(self):
        return self.process.pid

    def wait_for(self, text, count=1, timeout=PATIENCE):
        """Return when the output has the text, count times."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while b''.join(self.all).decode('utf-8', 'replace').count(text) < count:
                ended = not any(reader.is_alive() for reader in self.readers)
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    raise Unexpected('%s: no %r in its output%s.\n%s' % (
                        self.name, text, ' before it ended' if ended else '', self.report()))
                self.changed.wait(min(left, 0.5))

    def wait_for_port(self, port, timeout=PATIENCE):
        """Return when somebody listens on the port."""
        def listening():
            if self.process.poll() is not None:
                raise Unexpected('%s ended before it listened.\n%s' % (self.name, self.report()))
            try:
                socket.create_connection(('127.0.0.1', port), timeout=1).close()
            except OSError:
                return False
            return True
        try:
            eventually(listening, '%s listening on port %d' % (self.name, port), timeout)
        except Unexpected as error:
            raise Unexpected('%s\n%s' % (error, self.report()))

    def wait_for_exit(self, timeout=PATIENCE):
        """Return the exit status (int; negative: killed by that signal)."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Unexpected('%s does not end.\n%s' % (self.name, self.report()))
        for reader in self.readers:
            reader.join(timeout)
        return self.process.returncode

    def signal(self, signum):
        """Send a signal to the program itself, not to its children."""
        self.process.send_signal(signum)

    def stop(self):
        """End it, if need be by force, with everything it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                # Longer than any time limit that a program has for its own end.
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                with self.changed:
                    self.all.append(b'\n[the test had to kill it]\n')
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # Nothing is left of its group.
        self.process.wait()
        for reader in self.readers:
            reader.join(10)
        self.process.stdout.close()
        self.process.stderr.close()

    def report(self):
        """Return the command and the output so far, for the reader of a failure."""
        return '$ %s   [exit status %s]\n%s' % (' '.join(self.command), self.process.poll(), self.output)

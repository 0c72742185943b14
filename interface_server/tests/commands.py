"""Programs of the tests: the command, or a Python that runs the embedded server, in a folder with a project."""
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from conftest import PATIENCE

PROJECT = """
import sys, threading
from django.channels.layers.memory import InMemoryChannelLayer

channel_layer = InMemoryChannelLayer()

def work():
    while True:
        channel, message = channel_layer.receive(["http.request", "http.disconnect"], block=True)
        if channel == "http.request":
            channel_layer.send(message["reply_channel"], {"status": 200, "content": message["path"].encode()})

threading.Thread(target=work, daemon=True).start()
"""

EMBEDDED = """
import sys
from interface_server import embedded
from project import channel_layer

def log(*line):
    print("action", *line, flush=True)

try:
    embedded.run(
        channel_layer, sys.argv[1], int(sys.argv[2]), action_logger=log, ready=lambda: print("ready", flush=True),
    )
except KeyboardInterrupt:
    print("interrupted", flush=True)
except OSError as error:
    print("OSError", error.errno, flush=True)
finally:
    print("left", flush=True)
"""


def write_project(folder):
    """Write the modules that the programs import."""
    (folder / "project.py").write_text(PROJECT)
    (folder / "embedded_project.py").write_text(EMBEDDED)
    (folder / "broken.py").write_text("import not_installed_at_all\n")


class Program:
    """A process, and a thread that collects its output."""

    def __init__(self, process):
        self._process = process
        self._lines = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._lines.append(None)
            self._changed.notify_all()

    def wait_for(self, text):
        """Return the first line with `text`; what was before is forgotten."""
        with self._changed:
            deadline = time.monotonic() + PATIENCE
            seen = []
            while True:
                while self._lines:
                    line = self._lines.pop(0)
                    seen.append(line)
                    if line is None or text in line:
                        assert line is not None, f"{text!r} was not in the output: {seen}"
                        return line
                assert self._changed.wait(deadline - time.monotonic()), f"{text!r} was not in the output: {seen}"

    @property
    def has_ended(self):
        return self._process.poll() is not None

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE)

    def finish(self):
        """Return (exit status, the output that nobody waited for)."""
        self._process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        return self._process.returncode, "".join(line for line in self._lines if line)


def kill_group(pid):
    """Kill a program with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def starting(folder):
    """Give the block a function that starts a Python in the folder, and returns its Program."""
    with contextlib.ExitStack() as stack:
        def run(*arguments, **kwargs):
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)], cwd=folder, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, PYTHONUNBUFFERED="1"),
                start_new_session=True, **kwargs
            )
            program = Program(process)
            # From the last line up: what still reads must have come to the end.
            stack.callback(process.stdout.close)
            stack.callback(program.finish)
            stack.callback(kill_group, process.pid)
            return program

        yield run


def server(run, *arguments, **kwargs):
    """Start the command, and wait until it listens."""
    program = run("-m", "interface_server", *arguments, **kwargs)
    program.wait_for("listens on")
    return program


def get(port, path="/", timeout=PATIENCE):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def can_connect(port):
    """Return whether somebody listens on the port."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True

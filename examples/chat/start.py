#!/usr/bin/env python3
"""
Set up the chat and start it, with one command and nothing but Python.

    python3 examples/chat/start.py

The first run makes a virtual environment (in ``.envs/`` beside this file),
builds this checkout's packages, installs them with Django, creates the
database and the demo users, and starts the chat; later runs start at once.

Without further ado everything runs in one process. With the environment
variable CHAT_REDIS_URL set (redis://127.0.0.1:6379/0) messages go through
that Redis, and an interface server and two worker processes are started.

This file needs Python 3.9 or later; the chat itself also runs on older ones:
``--python ~/.pyenv/versions/2.7.18/bin/python --django 1.8.19``. And an old
Django runs on a Python of today: ``--django 1.8.19``, or ``--patched`` for
Django 1.10.8 with the patch set.
"""
import sys

if sys.version_info < (3, 9):
    sys.exit('This command itself needs Python 3.9 or later; its option --python chooses an older one for the chat.')

import argparse
import os
import shutil
import signal
import socket
import subprocess
import time
from urllib.parse import urlsplit

from environment import HERE, PATCHABLE, Problem, call, prepare, probe, say

WORKERS = 2
#: Seconds a process has to finish its work after it was told to stop.
GRACE = 10


def check_port(host, port):
    """Refuse to start on a port that somebody else has."""
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind((host, port))
        except OSError as error:
            raise Problem('Cannot listen on %s:%d (%s). Choose another port with --port.' % (host, port, error))


def check_redis(url):
    """Refuse to start without the Redis that was asked for."""
    parts = urlsplit(url)
    try:
        if parts.scheme == 'unix':
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(parts.path)
        elif parts.scheme in ('redis', 'rediss'):
            socket.create_connection((parts.hostname or 'localhost', parts.port or 6379), timeout=5).close()
        else:
            raise Problem('CHAT_REDIS_URL must begin with redis://, rediss:// or unix://, not %r.' % url)
    except (OSError, ValueError) as error:
        raise Problem('No Redis answers at CHAT_REDIS_URL (%s:%s): %s. Start one, or unset the variable to run '
                      'the chat without Redis.' % (parts.hostname or parts.path, parts.port or '', error))


class Process:
    """One child that is started again when it dies without being asked to."""

    def __init__(self, name, command, environ):
        self.name, self.command, self.environ = name, [str(part) for part in command], environ
        self.failures = 0
        self.start()

    def start(self):
        """Start it in a process group of its own: we pass on the signals."""
        self.started = time.monotonic()
        self.restart_at = None
        self.child = subprocess.Popen(self.command, cwd=str(HERE), env=self.environ, stdin=subprocess.DEVNULL,
                                      start_new_session=True)

    def watch(self):
        """Start it again if it died, a little later each time."""
        if self.restart_at is None and self.child.poll() is not None:
            self.failures = self.failures + 1 if time.monotonic() - self.started < 10 else 1
            if self.failures == 3:
                raise Problem('%s stopped three times in a row (exit status %s); its output is above.' % (
                    self.name, self.child.returncode))
            say('%s stopped (exit status %s); starting it again.' % (self.name, self.child.returncode))
            self.restart_at = time.monotonic() + self.failures
        elif self.restart_at is not None and time.monotonic() >= self.restart_at:
            self.start()

    def tell(self, signum):
        """Send a signal to the child and to what it started."""
        try:
            os.killpg(self.child.pid, signum)
        except ProcessLookupError:
            pass  # It has ended by itself.

    def wait(self, deadline):
        """Wait for the end until a time.monotonic() moment, then force it."""
        try:
            self.child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say('%s does not stop; ending it.' % self.name)
        self.tell(signal.SIGKILL)
        self.child.wait()


def commands(env, version, host, port, redis_url):
    """Return [(name, command), ...] of the processes to run."""
    manage = [env / 'bin' / 'python', 'manage.py']
    if not redis_url:
        return [('runserver', manage + ['runserver', '%s:%d' % (host, port)])]
    server = 'interface-server' if version >= (3, 9) else 'daphne'
    front = [env / 'bin' / server, '-b', host, '-p', port, 'chat.asgi:channel_layer']
    workers = [('worker %d' % number, manage + ['runworker']) for number in range(1, WORKERS + 1)]
    return [('the interface server', front)] + workers


def wait_for_port(host, port, processes):
    """Return when the chat answers; Problem after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in processes:
            process.watch()
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise Problem('The chat does not answer on port %d.' % port)


def run(todo, environ, host, port):
    """Run the processes until Ctrl-C or SIGTERM, then stop them in order."""
    def stop(signum, frame):
        raise KeyboardInterrupt

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    processes = []
    try:
        for name, command in todo:
            processes.append(Process(name, command, environ))
        wait_for_port(host, port, processes)
        say('\n  The chat runs at http://%s:%d/\n'
            '  Log in as alice, bob or carol (the password is the name), or sign up.\n'
            '  Open it in two windows, one of them private, to be two people. Ctrl-C stops it.\n' % (
                'localhost' if host == '127.0.0.1' else host, port))
        while True:
            for process in processes:
                process.watch()
            time.sleep(0.5)
    except KeyboardInterrupt:
        say('\nStopping ...')
    finally:
        # A second Ctrl-C must not leave orphans behind.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)
        for process in processes:
            # Programs that a script started ignore SIGINT, but not this.
            process.tell(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for process in processes:
            process.wait(deadline)


def main():
    """Read the options, set up, start; return the exit status."""
    parser = argparse.ArgumentParser(
        description='Set up the chat and start it. CHAT_REDIS_URL in the environment puts it on that Redis, '
                    'with an interface server and %d workers of its own.' % WORKERS)
    parser.add_argument('--port', type=int, default=8000, help='port to listen on (default: 8000)')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (default: 127.0.0.1)')
    parser.add_argument('--python', default=sys.executable, help='interpreter for the chat (default: this one)')
    parser.add_argument('--django', default='', help='version of Django, such as 1.8.19, or the path of a wheel '
                                                     '(default: the newest that this Python can run)')
    parser.add_argument('--patched', action='store_true', help='merge the patch set into that Django, a version from '
                                                               '1.10 to %s (the default)' % PATCHABLE)
    options = parser.parse_args()
    redis_url = os.environ.get('CHAT_REDIS_URL', '')
    try:
        check_port(options.host, options.port)
        if redis_url:
            check_redis(redis_url)
        python = shutil.which(os.path.expanduser(options.python)) or options.python
        env = prepare(python, options.django, options.patched)
        environ = dict(os.environ, PYTHONUNBUFFERED='1')
        environ.setdefault('CHAT_DATABASE', str(env / 'chat.sqlite3'))
        # A name made for this environment would mislead the one we start.
        for name in ('DJANGO_SETTINGS_MODULE', 'PYTHONHOME', 'PYTHONPATH', '__PYVENV_LAUNCHER__'):
            environ.pop(name, None)
        for command in (['migrate', '-v', '0'], ['demo']):
            call([env / 'bin' / 'python', 'manage.py'] + command, cwd=str(HERE), env=environ)
        todo = commands(env, probe(python)[0], options.host, options.port, redis_url)
        run(todo, environ, options.host, options.port)
    except Problem as problem:
        print('\n%s' % problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())

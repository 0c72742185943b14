"""
The command that sets an example up and starts it: its options, its processes.

Standard library only, Python 3.9 and later.
"""
import argparse
import collections
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from .environment import EXAMPLES, PATCHABLE, Problem, call, prepare, probe, say

#: `name` of the folder and of the project in it; `title`, as in "The chat";
#: `prepare`, the management commands (lists) that run before it starts; and
#: `hint`, lines that tell what to do with it. With a Redis it has `workers`:
#: the options of each.
Example = collections.namedtuple('Example', 'name title prepare hint workers')

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


def check_redis(variable, url):
    """Refuse to start without the Redis that was asked for by an environment variable."""
    parts = urlsplit(url)
    try:
        if parts.scheme == 'unix':
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(parts.path)
        elif parts.scheme in ('redis', 'rediss'):
            socket.create_connection((parts.hostname or 'localhost', parts.port or 6379), timeout=5).close()
        else:
            raise Problem('%s must begin with redis://, rediss:// or unix://, not %r.' % (variable, url))
    except (OSError, ValueError) as error:
        raise Problem('No Redis answers at %s (%s:%s): %s. Start one, or unset the variable to run '
                      'without Redis.' % (variable, parts.hostname or parts.path, parts.port or '', error))


class Process:
    """One child that is started again when it dies without being asked to."""

    def __init__(self, name, command, folder, environ):
        self.name, self.command, self.environ = name, [str(part) for part in command], environ
        self.folder = str(folder)
        self.failures = 0
        self.start()

    def start(self):
        """Start it in a process group of its own: we pass on the signals."""
        self.started = time.monotonic()
        self.restart_at = None
        self.child = subprocess.Popen(self.command, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
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


def commands(example, env, version, host, port, redis_url):
    """Return [(name, command), ...] of the processes to run."""
    manage = [env / 'bin' / 'python', 'manage.py']
    if not redis_url:
        return [('runserver', manage + ['runserver', '%s:%d' % (host, port)])]
    server = 'interface-server' if version >= (3, 9) else 'daphne'
    front = [env / 'bin' / server, '-b', host, '-p', port, '%s.asgi:channel_layer' % example.name]
    workers = [('worker %d' % number, manage + ['runworker'] + options)
               for number, options in enumerate(example.workers, 1)]
    return [('the interface server', front)] + workers


def wait_for_port(host, port, processes):
    """Return when the site answers; Problem after a minute."""
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
    raise Problem('Nothing answers on port %d.' % port)


def run(example, todo, environ, host, port):
    """Run the processes until Ctrl-C or SIGTERM, then stop them in order."""
    def stop(signum, frame):
        raise KeyboardInterrupt

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    processes = []
    try:
        for name, command in todo:
            processes.append(Process(name, command, EXAMPLES / example.name, environ))
        wait_for_port(host, port, processes)
        lines = ['%s at http://%s:%d/' % (example.title, 'localhost' if host == '127.0.0.1' else host, port)]
        say('\n%s\n' % '\n'.join('  ' + line for line in lines + example.hint + ['Ctrl-C stops it.']))
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


def read_options(example, variable):
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description='Set up the example "%s" and start it. %s in the environment puts it on that Redis, with an '
                    'interface server and %d workers of its own.' % (example.name, variable, len(example.workers)))
    parser.add_argument('--port', type=int, default=8000, help='port to listen on (default: 8000)')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (default: 127.0.0.1)')
    parser.add_argument('--python', default=sys.executable, help='interpreter to run it with (default: this one)')
    parser.add_argument('--django', default='', help='version of Django, such as 1.8.19, or the path of a wheel '
                                                     '(default: the newest that this Python can run)')
    parser.add_argument('--patched', action='store_true', help='merge the patch set into that Django, a version from '
                                                               '1.10 to %s (the default)' % PATCHABLE)
    return parser.parse_args()


def main(example):
    """Read the options, set up `example`, an Example, and start it; return the exit status."""
    prefix = example.name.upper()
    variable = prefix + '_REDIS_URL'
    options = read_options(example, variable)
    redis_url = os.environ.get(variable, '')
    try:
        check_port(options.host, options.port)
        if redis_url:
            check_redis(variable, redis_url)
        python = shutil.which(os.path.expanduser(options.python)) or options.python
        env = prepare(python, options.django, options.patched)
        environ = dict(os.environ, PYTHONUNBUFFERED='1')
        environ.setdefault(prefix + '_DATABASE', str(env / (example.name + '.sqlite3')))
        # A name made for this environment would mislead the one we start.
        for name in ('DJANGO_SETTINGS_MODULE', 'PYTHONHOME', 'PYTHONPATH', '__PYVENV_LAUNCHER__'):
            environ.pop(name, None)
        for command in example.prepare:
            call([env / 'bin' / 'python', 'manage.py'] + command, cwd=str(EXAMPLES / example.name), env=environ)
        todo = commands(example, env, probe(python)[0], options.host, options.port, redis_url)
        run(example, todo, environ, options.host, options.port)
    except Problem as problem:
        print('\n%s' % problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0

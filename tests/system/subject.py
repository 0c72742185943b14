"""
What is under test: one Python with Django and our packages installed.

runtests.py names it in the environment; by hand, the Python that runs pytest
is tested:

CHANNELS_SYSTEM_PYTHON  path of the interpreter
CHANNELS_SYSTEM_PAIR    its name, such as py2.7-dj1.8 (p at the end = patched)
"""
import json
import os
import shutil
import subprocess
import sys

from programs import PATIENCE, Program, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))


class Subject:
    """An interpreter, and a project that is run with it."""

    def __init__(self, python, project, settings, env):
        self.python, self.project, self.env = python, project, dict(env, DJANGO_SETTINGS_MODULE=settings)
        self.asgi = settings.replace('.settings', '.asgi:channel_layer')
        self.programs = []
        code = 'import sys, django; print("%d.%d %s" % (sys.version_info[:2] + (django.get_version(),)))'
        version, self.django = subprocess.check_output([python, '-c', code], text=True).split()
        self.version = tuple(int(part) for part in version.split('.'))

    @property
    def has_interface_server(self):
        """Whether this Python runs our server; daphne 1.4.2 serves on others."""
        return self.version >= (3, 9)

    @property
    def has_async_streams(self):
        """Whether this Django has async views, and streams from async iterators."""
        return tuple(int(part) for part in self.django.split('.')[:2]) >= (4, 2)

    def start(self, name, *command, pass_fds=(), **env):
        """Start a program of this interpreter's environment; return the Program."""
        program = Program(name, command, self.project, dict(self.env, **env), pass_fds)
        self.programs.append(program)
        return program

    def manage(self, *arguments, **env):
        """Start a management command; return the Program."""
        return self.start('manage.py ' + arguments[0], self.python, 'manage.py', *arguments, **env)

    def run(self, *arguments, **env):
        """Run a management command to its end; return the Program."""
        program = self.manage(*arguments, **env)
        status = program.wait_for_exit(PATIENCE)
        assert status == 0, program.report()
        return program

    def runserver(self, *options, **env):
        """Start runserver, without the reloader; return (Program, port)."""
        port = free_port()
        program = self.manage('runserver', '--noreload', *options, '127.0.0.1:%d' % port, **env)
        program.wait_for_port(port)
        return program, port

    def server(self, *options, **env):
        """Start an interface server of its own, with its options; return (Program, port)."""
        port = free_port()
        name = 'interface-server' if self.has_interface_server else 'daphne'
        # Five seconds, their default, are less than a worker takes to start on a busy machine.
        patience = '--websocket-handshake-timeout' if self.has_interface_server else '--websocket_connect_timeout'
        options = (patience, PATIENCE) + options
        script = os.path.join(os.path.dirname(self.python), name)
        program = self.start(name, script, '-b', '127.0.0.1', '-p', port, *options, self.asgi, **env)
        program.wait_for_port(port)
        return program, port

    def put(self, channel, file):
        """Put a message that names a file on a channel."""
        self.run('put', channel, json.dumps({'file': file}))

    def stop(self):
        """Stop all programs, the ones that serve clients first."""
        for program in self.programs:
            program.stop()

    def report(self):
        """Return the output of all programs, as sections of a test report."""
        return [('output of %s' % program.name, program.report()) for program in self.programs]


def python_under_test():
    """Return the path of the interpreter under test."""
    return os.environ.get('CHANNELS_SYSTEM_PYTHON', sys.executable)


def app_name():
    """Return the name to install: a patched Django has no app "channels"."""
    patched = os.environ.get('CHANNELS_SYSTEM_PAIR', '').endswith('p')
    return 'django.channels' if patched else 'channels'


def site(folder, python=None, **env):
    """Return the Subject for a copy (below folder) of the small test project."""
    project = os.path.join(str(folder), 'project')
    if not os.path.exists(project):
        shutil.copytree(os.path.join(HERE, 'project'), project, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
    env = dict({'SUT_APP': app_name(), 'SUT_DATABASE': os.path.join(str(folder), 'db.sqlite3')}, **env)
    return Subject(python or python_under_test(), project, 'site_under_test.settings', env)


def chat(folder, python=None, **env):
    """Return the Subject for the chat, with a database of its own."""
    return example('chat', folder, python, **env)


def example(name, folder, python=None, **env):
    """Return the Subject for an example, with a database of its own."""
    env = dict(env, **{name.upper() + '_DATABASE': os.path.join(str(folder), name + '.sqlite3')})
    return Subject(python or python_under_test(), os.path.join(CHECKOUT, 'examples', name), name + '.settings', env)

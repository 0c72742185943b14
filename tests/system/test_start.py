"""
The command of the README that sets up the chat and starts it.

It makes an environment and installs into it, which takes its time; so it is
tested with one Python only, in a copy of the checkout.
"""
import os
import pathlib
import re
import signal
import socket
import sys
import tempfile

import pytest
from clients import get
from programs import eventually, free_port
from start_command import SETTING_UP, Command

pytestmark = pytest.mark.skipif(
    not os.environ.get('CHANNELS_SYSTEM_PAIR', 'py3.11').startswith('py3.11'),
    reason='the command is tested on the pair of Python 3.11',
)


@pytest.fixture(scope='module')
def command():
    with tempfile.TemporaryDirectory() as folder:
        yield Command(folder)


@pytest.fixture(autouse=True)
def end(command):
    """Stop what a test left running."""
    yield
    command.stop()


def children(program):
    """Return {pid: command line} of the processes that a program started; bare machines have no ps."""
    found = {}
    for pid in pathlib.Path('/proc/%d/task/%d/children' % (program.pid, program.pid)).read_text().split():
        try:
            command = pathlib.Path('/proc', pid, 'cmdline').read_text()
        except (FileNotFoundError, ProcessLookupError):
            # It has ended meanwhile.
            continue
        found[int(pid)] = command.replace('\0', ' ').strip()
    return found


def listening(port):
    """Tell whether somebody listens on a port."""
    with socket.socket() as connection:
        return connection.connect_ex(('127.0.0.1', port)) == 0


def test_first_run_sets_up_and_second_run_starts_at_once(command):
    # What a run leaves that was interrupted early doesn't matter.
    name = 'python%d.%d-django-newest' % sys.version_info[:2]
    half = os.path.join(command.folder, 'examples', '.envs', name, 'bin')
    os.makedirs(half)
    os.symlink(sys.executable, os.path.join(half, 'python'))

    port = free_port()
    first = command.start('--port', str(port))
    first.wait_for('http://localhost:%d/' % port, timeout=SETTING_UP)
    assert get(port, '/login/').status == 200
    assert get(port, '/static/rooms/room.js').status == 200
    first.signal(signal.SIGINT)
    assert first.wait_for_exit() == 0, first.report()
    assert not listening(port)
    assert 'Traceback' not in first.output, first.report()

    second = command.start('--port', str(port))
    second.wait_for('http://localhost:%d/' % port)
    assert 'Installing' not in second.output
    assert get(port, '/login/').status == 200


def test_with_redis_it_keeps_a_server_and_two_workers_running(command, redis):
    port = free_port()
    program = command.start('--port', str(port), CHAT_REDIS_URL=redis.url)
    program.wait_for('http://localhost:%d/' % port, timeout=SETTING_UP)
    assert get(port, '/login/').status == 200
    before = children(program)
    workers = [pid for pid, line in before.items() if 'runworker' in line]
    assert (len(before), len(workers)) == (3, 2), before

    os.kill(workers[0], signal.SIGKILL)
    program.wait_for('starting it again')

    def replaced():
        now = children(program)
        return workers[0] not in now and len([pid for pid, line in now.items() if 'runworker' in line]) == 2

    eventually(replaced, 'a new worker')
    assert get(port, '/login/').status == 200
    program.signal(signal.SIGTERM)
    assert program.wait_for_exit() == 0, program.report()
    assert not listening(port)
    assert 'Traceback' not in program.output, program.report()
    assert 'does not stop' not in program.output, program.report()


def test_other_examples_start_in_the_same_environment(command, redis):
    """Each with one command, and at once, since the chat has made the environment."""
    for example, page, static in [('reports', 'kill -9', 'channels/js/websocketbridge.js'),
                                  ('news', 'Headline', 'headlines/page.js'),
                                  ('blog', 'Live blog', 'admin/css/base.css')]:
        port = free_port()
        program = command.start('--port', str(port), example=example, **{example.upper() + '_REDIS_URL': redis.url})
        program.wait_for('http://localhost:%d/' % port, timeout=SETTING_UP)
        assert page in get(port, '/').text
        assert get(port, '/static/' + static).status == 200
        program.signal(signal.SIGTERM)
        assert program.wait_for_exit() == 0, program.report()
        assert 'Traceback' not in program.output, program.report()


@pytest.mark.parametrize('arguments, env, words', [
    ([], {'CHAT_REDIS_URL': 'redis://127.0.0.1:1/0'}, r'No Redis answers at CHAT_REDIS_URL \(127.0.0.1:1\)'),
    ([], {'CHAT_REDIS_URL': 'localhost:6379'}, r'CHAT_REDIS_URL must begin with redis://'),
    (['--python', '/no/such/python'], {}, r'/no/such/python is no working Python.*\n.*--python'),
    # What the program said of itself is shown.
    (['--python', 'cat'], {}, r'/cat is no working Python: \S*cat: invalid option'),
])
def test_what_is_missing_is_named_before_anything_is_made(command, arguments, env, words):
    program = command.start('--port', str(free_port()), *arguments, **env)
    assert program.wait_for_exit() == 1
    assert re.search(words, program.output), program.report()
    assert 'Traceback' not in program.output, program.report()


def test_port_that_is_taken_is_named(command):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen(1)
        program = command.start('--port', str(taken.getsockname()[1]))
        assert program.wait_for_exit() == 1
        assert re.search(r'Cannot listen on .* --port', program.output), program.report()

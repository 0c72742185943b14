"""The tutorial, step by step: the code of its own blocks must run."""
import os
import re
import textwrap

import pytest
import websocket
from clients import get, socket_to
from programs import PATIENCE, Program
from subject import CHECKOUT, Subject, app_name, python_under_test

#: Makes a user who is logged in, and prints the key of the session.
LOG_IN = """
import importlib, os, django
os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'
django.setup()
from django.conf import settings
from django.contrib import auth
user = auth.get_user_model().objects.create_user('ann')
session = importlib.import_module(settings.SESSION_ENGINE).SessionStore()
session[auth.SESSION_KEY] = str(user.pk)
session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


def block(words):
    """Return the first block of code of the tutorial that has these words."""
    with open(os.path.join(CHECKOUT, 'docs', 'tutorial.txt'), encoding='utf-8') as file:
        blocks = re.findall(r'::\n\n((?:    .*\n|\n)+)', file.read())
    return next(textwrap.dedent(text) for text in blocks if words in text)


class Project:
    """The project that the tutorial builds."""

    def __init__(self, folder):
        python = python_under_test()
        command = 'from django.core.management import call_command; call_command("startproject", "mysite")'
        start = Program('startproject', [python, '-c', command], folder, {})
        assert start.wait_for_exit() == 0, start.report()
        start.stop()
        self.subject = Subject(python, os.path.join(folder, 'mysite'), 'mysite.settings', {})
        self.subject.run('startapp', 'talk')
        self.write('mysite/settings.py', block('CHANNEL_LAYERS').replace("'channels'", repr(app_name())), 'a')

    def write(self, path, text, mode='w'):
        """Write a file of the project, or append to it."""
        with open(os.path.join(self.subject.project, path), mode, encoding='utf-8') as file:
            file.write(text)

    def session_key(self):
        """Return the key of the session of a user who is logged in."""
        self.write('log_in.py', LOG_IN)
        program = self.subject.start('log_in.py', self.subject.python, 'log_in.py')
        assert program.wait_for_exit(PATIENCE) == 0, program.report()
        return program.raw('stdout').decode().strip()

    def serve(self):
        """Start runserver anew; return the port."""
        self.subject.stop()
        return self.subject.runserver()[1]


@pytest.fixture
def project(scratch):
    made = Project(scratch)
    yield made
    made.subject.stop()


def refused(port, path):
    """Tell whether a WebSocket is refused with 403."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        socket_to(port, path)
    return caught.value.status_code == 403


def test_every_step_of_the_tutorial_runs(project):
    project.write('mysite/routing.py', block('channel_routing = []'))
    project.subject.run('migrate', '-v', '0')
    assert get(project.serve(), '/').status in (200, 404)

    project.write('talk/consumers.py', block("message.reply_channel.send({'text': message['text']})"))
    routing = block('from talk import consumers')
    project.write('mysite/routing.py', routing)
    port = project.serve()
    echo = socket_to(port, '/talk/')
    echo.send('hello')
    assert echo.recv() == 'hello'
    echo.close()
    assert refused(port, '/no/route/')

    project.write('talk/consumers.py', block("Group('talk').send({'text': message['text']})"))
    line = "    route('websocket.disconnect', consumers.disconnect, path=r'^/talk/$'),\n"
    project.write('mysite/routing.py', routing.replace(']', line + ']'))
    port = project.serve()
    one, other = socket_to(port, '/talk/'), socket_to(port, '/talk/')
    one.send('both')
    assert (one.recv(), other.recv()) == ('both', 'both')

    project.write('talk/consumers.py', block('@channel_session_user_from_http'))
    key = project.session_key()
    port = project.serve()
    assert refused(port, '/talk/')
    user = socket_to(port, '/talk/', cookie='sessionid=' + key)
    user.send('it is me')
    assert '"user": "ann"' in user.recv()
    user.close()

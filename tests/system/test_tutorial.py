"""The tutorial, step by step, and the first examples: the code of their own blocks must run."""
import ast
import json
import os
import re
import textwrap

import pytest
import websocket
from browser import Browser
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


README = 'README.md'
TUTORIAL = 'docs/tutorial.txt'
#: Where it says that a Redis is.
REDIS = 'redis://127.0.0.1:6379/0'
GETTING_STARTED = 'django_patch/docs/topics/channels/getting-started.txt'


def blocks(page):
    """Return the blocks of code of a page, but for what is typed into a shell."""
    with open(os.path.join(CHECKOUT, page), encoding='utf-8') as file:
        text = file.read()
    found = re.findall(r'^```python\n(.*?)^```$', text, re.M | re.S) if page.endswith('.md') else \
        re.findall(r'(?:::|code-block:: (?:html|javascript))\n\n((?:    .*\n|\n)+)', text)
    return [textwrap.dedent(block).strip('\n') + '\n' for block in found]


def block(words, page=TUTORIAL):
    """Return the first block of code of a page that has these words."""
    return next(text for text in blocks(page) if words in text)


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

    def configure(self, page=TUTORIAL, redis=REDIS):
        """Append to the settings what a page says, with the URL of a Redis."""
        text = block('CHANNEL_LAYERS', page).replace("['channels'", '[%r' % app_name()).replace(REDIS, redis)
        if self.subject.django.startswith('1.8.'):
            # As the comments of the page say.
            text = re.sub(r"\+= \[(\S+)\]", r'+= (\1,)', text)
        self.write('mysite/settings.py', text, 'a')

    def write(self, path, text, mode='w'):
        """Write a file of the project, or append to it."""
        path = os.path.join(self.subject.project, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode, encoding='utf-8') as file:
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


def everybody_hears(port, path):
    """Tell whether two sockets at a path hear what one of them says."""
    one, other = socket_to(port, path), socket_to(port, path)
    try:
        one.send('both')
        return (one.recv(), other.recv()) == ('both', 'both')
    finally:
        one.close()
        other.close()


def chat_in(browser, port, key):
    """Open the page as the user of a session, say something, and see it."""
    address = 'http://127.0.0.1:%d/talk/' % port
    browser.driver.get(address)
    browser.driver.add_cookie({'name': 'sessionid', 'value': key})
    browser.driver.get(address)
    browser.until(lambda: browser.texts('#status') == ['Connected'], 'the page has a connection')
    browser.element('#text').send_keys('hello\n')
    browser.until(lambda: browser.texts('#lines li')[-1:] == ['ann: hello'], 'the line is shown')


def send_again_in(browser):
    """Say two things on the page after its socket was closed for good, and send them with a click."""
    assert not browser.element('#again').is_displayed()
    browser.driver.execute_script('bridge.socket.close()')
    for text in ('once', 'more'):
        browser.element('#text').send_keys(text + '\n')
    told = 'Not connected. Not sent: once, more'
    browser.until(lambda: browser.texts('#status') == [told], 'it is told')
    browser.element('#again').click()
    browser.until(lambda: sorted(browser.texts('#lines li')[-2:]) == ['ann: more', 'ann: once'], 'both are shown')
    assert browser.texts('#status') == ['Connected']
    assert not browser.element('#again').is_displayed()


def say_offline_in(browser):
    """Say something without a network, which the page shows, and sends once there is one."""
    browser.set_offline(True)
    browser.until(lambda: browser.texts('#status') == ['Not connected'], 'the loss is told')
    browser.element('#text').send_keys('offline\n')
    assert browser.texts('#status') == ['Not connected. Not sent: offline']
    browser.set_offline(False)
    browser.until(lambda: browser.texts('#lines li')[-1:] == ['ann: offline'], 'the line is shown')
    assert browser.texts('#status') == ['Connected']


def logged(browser, port, code):
    """Run code in the console of a page of the site; return the first line that it logs."""
    browser.driver.get('http://127.0.0.1:%d/' % port)
    browser.driver.execute_script('window.logged = []; console.log = function (x) { logged.push(x); };' + code)
    browser.until(lambda: browser.driver.execute_script('return logged.length'), 'something is logged')
    return browser.driver.execute_script('return logged[0]')


def with_notices(page):
    """Return the tutorial's page with what it says of notices."""
    page = page.replace('<ul', block('id="notice"') + '<ul', 1)
    hear = 'function hear(line) {\n'
    assert hear in page
    return page.replace(hear, hear + block('line.notice'))


@pytest.fixture(scope='module')
def browser():
    made = Browser()
    yield made
    made.close()


def test_example_of_the_readme_runs(project):
    project.configure(README)
    project.write('mysite/routing.py', block('channel_routing = [', README))
    port = project.serve()
    assert everybody_hears(port, '/news/')
    assert refused(port, '/other/')


def test_first_example_of_djangos_documentation_runs(project, browser):
    project.configure(GETTING_STARTED)
    if app_name() == 'channels':
        # A Django that was not patched needs the app.
        project.write('mysite/settings.py', "INSTALLED_APPS = list(INSTALLED_APPS) + ['channels']\n", 'a')
    project.write('mysite/consumers.py', block('def connect', GETTING_STARTED))
    project.write('mysite/routing.py', block('channel_routing = [', GETTING_STARTED))
    port = project.serve()
    assert everybody_hears(port, '/live/')
    assert logged(browser, port, block('new WebSocket', GETTING_STARTED)) == 'Hello'

    # Ellipses are the reader's own lines, and syntax of Python 3.
    users = block('Log in first.', GETTING_STARTED).replace('...', 'pass')
    if project.subject.django.startswith(('1.8.', '1.9.')):
        users = users.replace('.is_anonymous:', '.is_anonymous():')
    project.write('mysite/consumers.py', '\n' + users, 'a')
    project.subject.run('migrate', '-v', '0')
    key = project.session_key()
    port = project.serve()
    assert refused(port, '/live/')
    socket_to(port, '/live/', cookie='sessionid=' + key).close()


def test_every_block_of_code_is_used_by_these_tests():
    with open(__file__, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    pages = {'README': README, 'GETTING_STARTED': GETTING_STARTED}
    used = [block('CHANNEL_LAYERS', page) for page in (TUTORIAL, README, GETTING_STARTED)]
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') == 'block':
            words, page = (call.args + [ast.Name('TUTORIAL')])[:2]
            if isinstance(words, ast.Constant) and page.id != 'page':
                used.append(block(words.value, pages.get(page.id, TUTORIAL)))
    everything = blocks(TUTORIAL) + blocks(README) + blocks(GETTING_STARTED)
    assert len(everything) > 20
    assert [text for text in everything if text not in used] == []


def test_every_step_of_the_tutorial_runs(project, redis, browser):
    project.configure()
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
    assert logged(browser, port, block('new WebSocket')) == 'hello'
    assert refused(port, '/no/route/')

    project.write('talk/consumers.py', block("Group('talk').send({'text': message['text']})"))
    line = "    route('websocket.disconnect', consumers.disconnect, path=r'^/talk/$'),\n"
    project.write('mysite/routing.py', routing.replace(']', line + ']'))
    port = project.serve()
    assert everybody_hears(port, '/talk/')

    consumers = block('@channel_session_user_from_http')
    project.write('talk/consumers.py', consumers)
    key = project.session_key()
    port = project.serve()
    assert refused(port, '/talk/')
    user = socket_to(port, '/talk/', cookie='sessionid=' + key)
    user.send('it is me')
    assert '"user": "ann"' in user.recv()
    user.close()

    project.write('talk/models.py', block('class Line'))
    project.subject.run('makemigrations', 'talk')
    project.subject.run('migrate', '-v', '0')
    project.write('talk/views.py', block('def page'))
    project.write('talk/templates/talk/page.html', block('<ul'))
    urls = block('urlpatterns +=')
    if project.subject.django.startswith('1.'):
        # As the page says in front of the block.
        urls = urls.replace('from django.urls import path', 'from django.conf.urls import url')
        urls = urls.replace("path('talk/', ", "url(r'^talk/$', ")
    project.write('mysite/urls.py', urls, 'a')
    project.write('talk/consumers.py', block('def send_line'), 'a')
    port, cookie = project.serve(), 'sessionid=' + key
    assert get(port, '/talk/').header('Location').endswith('/admin/login/?next=/talk/')
    user = socket_to(port, '/talk/?after=0', cookie=cookie)
    user.send('a < b')
    assert '"text": "a < b"' in user.recv()
    page = get(port, '/talk/', Cookie=cookie)
    assert (page.status, 'ann: a &lt; b' in page.text) == (200, True), page.text
    later = socket_to(port, '/talk/?after=0', cookie=cookie)
    assert '"text": "a < b"' in later.recv()
    last = re.search(r'data-id="(\d+)"', page.text).group(1)
    informed = socket_to(port, '/talk/?after=' + last, cookie=cookie)
    user.send('new')
    assert '"text": "new"' in informed.recv()
    user.close()
    chat_in(browser, port, key)
    send_again_in(browser)
    say_offline_in(browser)

    # The jobs, in one process.
    project.write('talk/consumers.py', block("'/summary'"), 'a')
    project.write('talk/jobs.py', block('def summarize'))
    project.write('mysite/routing.py', block('jobs.summarize'), 'a')
    port = project.serve()
    user = socket_to(port, '/talk/?after=6', cookie=cookie)
    user.send('/summary')
    assert json.loads(user.recv()) == {'notice': 'ann: 6'}
    user.close()
    project.write('talk/templates/talk/page.html', with_notices(block('<ul')))
    chat_in(browser, port, key)
    browser.element('#text').send_keys('/summary\n')
    browser.until(lambda: browser.texts('#notice') == ['ann: 7'], 'the notice is shown')

    project.write('talk/tests.py', block('class TalkTests'))
    tests = project.subject.run('test', 'talk')
    assert 'Ran 2 tests' in tests.output, tests.report()

    # Several processes. The one that does the jobs comes later than the job.
    project.write('mysite/settings.py', block('CHANNEL_LAYERS[').replace(REDIS, redis.url), 'a')
    project.write('mysite/asgi.py', block('get_channel_layer()'), 'a')
    project.subject.stop()
    project.subject.manage('runworker', '--exclude-channels', 'summaries')
    _, port = project.subject.server()
    user = socket_to(port, '/talk/?after=7', cookie=cookie)
    user.send('/summary')
    user.send('and on')
    assert json.loads(user.recv())['text'] == 'and on'
    project.subject.manage('runworker', '--only-channels', 'summaries')
    assert json.loads(user.recv()) == {'notice': 'ann: 8'}
    user.close()

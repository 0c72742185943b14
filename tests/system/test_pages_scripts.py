"""The JavaScript of the pages of documentation, in a browser, over the Python that stands beside it."""
import glob
import os
import re

import pytest
from browser import Browser
from subject import CHECKOUT
from test_tutorial import Project, block

pytestmark = pytest.mark.once

HOW_TO = 'django_patch/docs/topics/channels/how-to.txt'
REFERENCE = 'django_patch/docs/ref/channels/classes-and-apps.txt'
TROUBLESHOOTING = 'docs/troubleshooting.txt'
#: Page -> where its JavaScript is run.
PAGES = {
    'docs/tutorial.txt': 'test_tutorial.py',
    'django_patch/docs/topics/channels/getting-started.txt': 'test_tutorial.py',
    HOW_TO: 'test_pages_scripts.py', REFERENCE: 'test_pages_scripts.py', TROUBLESHOOTING: 'test_pages_scripts.py',
}
#: Words of the blocks that are run here.
NOTES, FINAL, PROGRESS = 'notes.onmessage', 'finalCodes: [3000]', 'progress.onmessage'
TICKET = '/feed/?ticket='
BRIDGE, SHOWN, EVENTS = 'helloButton', "bridge.socket.addEventListener('unsent'", 'source.onerror'

VIEWS = """
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpResponse

from talk import feed, jobs, news, notes

ticket = feed.ticket
answers = [503, 200, 200]


def page(request):
    return HttpResponse(
        '<title>Page</title><p id="state"></p><button id="hello">Hello</button><button id="delete">Delete</button>'
        '<script src="/static/channels/js/websocketbridge.js"></script>')


def enter(request):
    login(request, get_user_model().objects.get(username='ann'), 'django.contrib.auth.backends.ModelBackend')
    return page(request)


def leave(request):
    logout(request)
    return HttpResponse('gone')


def tell(request):
    notes.notify(get_user_model().objects.get(username='ann'), 'Hello Ann')
    return HttpResponse('told')


def resize(request):
    jobs.start(7, ['a', 'b'])
    return HttpResponse('started')


def events(request):
    status = answers.pop(0)
    return news.events(request) if status == 200 else HttpResponse(status=status)


def publish(request):
    news.publish({'title': 'News'})
    return HttpResponse('published')
"""
#: The reader's own work.
RESIZE = """

def resize(photo):
    pass
"""
ROUTING = """
from django.channels import include, route


def accept(message):
    message.reply_channel.send({'accept': True})


def echo(message):
    message.reply_channel.send({'text': message['text']})


channel_routing = [
    include('talk.notes.channel_routing'),
    include('talk.jobs.channel_routing'),
    include('talk.news.channel_routing'),
    include('talk.feed.channel_routing'),
    route('websocket.connect', accept, path=r'^/live/$'),
    route('websocket.receive', echo, path=r'^/live/$'),
]
"""
URLS = """
from django.urls import path

from talk import views

names = ['enter', 'leave', 'tell', 'resize', 'events', 'publish', 'ticket']
urlpatterns = [path('', views.page)] + [path(name + '/', getattr(views, name)) for name in names]
"""


@pytest.fixture
def port(scratch):
    """The port of a project that is made of the pages' Python."""
    project = Project(scratch)
    project.configure()
    project.write('mysite/settings.py', block('CHANNEL_CLOSE_ON_LOGOUT', HOW_TO), 'a')
    project.write('talk/notes.py', block('def notes_of', HOW_TO))
    project.write('talk/jobs.py', block('def resize_all', HOW_TO) + block('def watch', HOW_TO) + RESIZE)
    project.write('talk/news.py', block('def publish', HOW_TO))
    project.write('talk/feed.py', block('def active_user', HOW_TO))
    project.write('talk/views.py', VIEWS)
    project.write('mysite/routing.py', ROUTING)
    project.write('mysite/urls.py', URLS)
    project.subject.run('migrate', '-v', '0')
    project.session_key()
    yield project.serve()
    project.subject.stop()


@pytest.fixture
def browser():
    opened = Browser()
    yield opened
    opened.close()


def scripts(page):
    """Return the blocks of JavaScript of a page."""
    with open(os.path.join(CHECKOUT, page), encoding='utf-8') as file:
        return re.findall(r'^\.\. code-block:: javascript\n\n((?:    .*\n|\n)+)', file.read(), re.M)


def test_each_script_is_run():
    found = {}
    for path in glob.glob(os.path.join(CHECKOUT, '**', 'docs', '**', '*.txt'), recursive=True):
        page = os.path.relpath(path, CHECKOUT)
        if scripts(page):
            found[page] = len(scripts(page))
    assert set(found) == set(PAGES)
    here = [page for page, module in PAGES.items() if module == 'test_pages_scripts.py']
    run = [(HOW_TO, NOTES), (HOW_TO, FINAL), (HOW_TO, PROGRESS), (HOW_TO, TICKET), (REFERENCE, BRIDGE),
           (REFERENCE, SHOWN), (TROUBLESHOOTING, EVENTS)]
    assert sum(found[page] for page in here) == len(run)
    assert all(words in ''.join(scripts(page)) for page, words in run)


class Page:
    """A page of the site, whose scripts are written by the test."""

    def __init__(self, browser, port, path='/'):
        self._browser = browser
        self._port = port
        browser.driver.get('http://127.0.0.1:%d%s' % (port, path))

    def run(self, script):
        """Run a script as one of the page: its names are there for the next one."""
        self._browser.driver.execute_script(
            'const element = document.createElement("script"); element.text = arguments[0];'
            'document.body.append(element);', script)

    def value(self, expression):
        """Return the value of an expression."""
        return self._browser.driver.execute_script('return ' + expression)

    def until(self, expression):
        """Wait until an expression is true."""
        self._browser.until(lambda: self.value(expression), expression)

    def fetch(self, path):
        """Have the browser fetch a path, and wait for the answer."""
        return self._browser.driver.execute_async_script(
            'fetch(arguments[0]).then((answer) => answer.text()).then(arguments[1])', path)


def test_a_note_is_shown_and_a_log_out_is_final(browser, port):
    page = Page(browser, port, '/enter/')
    page.run('window.alert = (text) => { window.alerted = text; };')
    page.run(block(NOTES, HOW_TO))
    page.run('const bridge = new channels.WebSocketBridge();')
    page.run(block(FINAL, HOW_TO))
    page.run('const unsent = []; bridge.socket.onunsent = (event) => unsent.push(...event.messages);'
             'let code; bridge.socket.onclose = (event) => { code = event.code; };')
    page.until('notes.readyState === 1 && bridge.socket.readyState === 1')
    assert page.fetch('/tell/') == 'told'
    page.until('window.alerted')
    assert page.value('window.alerted') == 'Hello Ann'
    assert page.fetch('/leave/') == 'gone'
    page.until('code && notes.readyState === 3')
    assert page.value('code') == 3000
    # It won't connect again.
    assert page.value('bridge.send("late")') is False
    assert page.value('unsent') == ['"late"']


def test_the_progress_of_a_job(browser, port):
    page = Page(browser, port)
    page.run(block(PROGRESS, HOW_TO))
    page.until('progress.readyState === 1')
    assert page.fetch('/resize/') == 'started'
    page.until('document.title === "2 done"')


def test_a_ticket_opens_a_socket(browser, port):
    # The log-in stands for what verifies the token.
    page = Page(browser, port, '/enter/')
    here = '127.0.0.1:%d' % port
    page.run("const token = 'a token', logged = [], made = [], Plain = WebSocket;"
             'console.log = (text) => logged.push(text);'
             'WebSocket = class extends Plain { constructor(url) { super(url); made.push(this); } };'
             + block(TICKET, HOW_TO).replace('https://example.com', 'http://' + here)
             .replace('wss://example.com', 'ws://' + here))
    page.until('made.length && made[0].readyState === 1')
    page.run('made[0].send("Hello");')
    page.until('logged.length')
    assert page.value('logged') == ['ann: Hello']


def test_the_client_of_the_reference(browser, port):
    page = Page(browser, port)
    page.run('const shown = [], photos = [], told = [];'
             'const show = (action) => shown.push(action), showPhoto = (action) => photos.push(action);'
             'const tell = (messages) => told.push(...messages);'
             'const helloButton = document.getElementById("hello");'
             'const deleteButton = document.getElementById("delete");'
             'const state = document.getElementById("state");' + block(BRIDGE, REFERENCE) + block(SHOWN, REFERENCE))
    page.until('state.textContent === "Live"')
    for name in ('hello', 'delete'):
        browser.element('#' + name).click()
    page.until('shown.length && photos.length')
    assert page.value('[shown, photos]') == [[{'text': 'Hello'}], [{'action': 'delete', 'pk': 3}]]
    page.run('bridge.socket.close(); bridge.send(1);')
    page.until('state.textContent === "Not connected"')
    assert page.value('told') == ['1']


def test_an_event_source_is_made_anew(browser, port):
    page = Page(browser, port)
    page.run('const titles = []; let source, opened = 0;'
             'function connect() {'
             '    source = new EventSource("/events/");'
             '    source.onopen = () => { opened += 1; };'
             '    source.onmessage = (event) => titles.push(JSON.parse(event.data).title);'
             + block(EVENTS, TROUBLESHOOTING) + '} connect();')
    page.until('opened === 1')
    assert page.fetch('/publish/') == 'published'
    page.until('titles.length')
    assert page.value('titles') == ['News']

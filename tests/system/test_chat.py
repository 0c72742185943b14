"""The chat example: in a browser, and against people who would cheat it."""
import http.cookies
import itertools
import json
import re
import signal
import struct
import tempfile

import pytest
import subject
import websocket
from browser import Browser
from clients import get, post_form, socket_to

#: For titles of rooms, so that each test can have rooms of its own.
NUMBERS = itertools.count(1)


class Chat:
    """The chat, served by runserver with the in-memory layer."""

    def __init__(self, folder, python=None):
        self.subject = subject.chat(folder, python)
        self.subject.run('migrate', '-v', '0')
        self.subject.run('demo')
        self.program, self.port = self.subject.runserver()

    @property
    def url(self):
        return 'http://127.0.0.1:%d' % self.port

    def post(self, path, fields, jar='', to=None):
        """POST a form of a page (to another, if so), with its CSRF token; return (answer, cookies)."""
        page = get(self.port, path, Cookie=jar)
        jar = merge(jar, page)
        token = re.search('name=["\']csrfmiddlewaretoken["\'] value=["\']([^"\']+)', page.text).group(1)
        answer = post_form(self.port, to or path, fields + [('csrfmiddlewaretoken', token)], {'Cookie': jar})
        return answer, merge(jar, answer)

    def log_in(self, name):
        """Return the cookies of somebody who logged in."""
        answer, jar = self.post('/login/', [('username', name), ('password', name), ('next', '/')])
        assert answer.status == 302, answer.text
        return jar

    def open_room(self, jar, title=None):
        """Open a new room; return its id (int)."""
        answer, jar = self.post('/', [('title', title or 'Room no. %d' % next(NUMBERS))], jar)
        assert answer.status == 302, answer.text
        return int(re.search(r'/room/(\d+)/$', answer.header('Location')).group(1))

    def socket(self, jar='', room=1, query='', origin=None):
        """Open the WebSocket of a room."""
        return socket_to(self.port, '/room/%d/live/%s' % (room, query), cookie=jar, origin=origin or self.url)


def merge(jar, answer):
    """Return a Cookie header's value with what an answer sets on top."""
    cookies = http.cookies.SimpleCookie(jar)
    for name, value in answer.headers:
        if name.lower() == 'set-cookie':
            cookies.load(value)
    return '; '.join('%s=%s' % (name, morsel.value) for name, morsel in cookies.items())


def receive(connection):
    """Return the next frame, decoded."""
    return json.loads(connection.recv())


@pytest.fixture(scope='module')
def chat():
    """A running Chat; all tests that leave it running share one."""
    with tempfile.TemporaryDirectory() as folder:
        running = Chat(folder)
        yield running
        running.subject.stop()


@pytest.fixture
def own_chat(scratch):
    """A running Chat that the test may stop."""
    running = Chat(scratch)
    yield running
    running.subject.stop()


@pytest.fixture
def browsers():
    """A function that opens a new browser; all are closed at the end."""
    opened = []

    def open_one():
        opened.append(Browser())
        return opened[-1]

    yield open_one
    for browser in opened:
        browser.close()


def make_a_mistake_in_signing_up(browser, url):
    """Give two passwords, and see in red what was wrong."""
    browser.driver.get(url + '/signup/')
    for name, text in (('username', 'erin'), ('password1', 'correct horse battery'), ('password2', 'another one')):
        browser.element('input[name=%s]' % name).send_keys(text)
    browser.element('main button[type=submit]').click()
    browser.until(lambda: browser.texts('.errorlist li'), 'the mistake is named')
    assert browser.driver.execute_script(
        'const red = document.createElement("p"); red.style.color = "var(--bad)"; document.body.append(red);'
        'return [".errorlist li", "body > p:last-child"].map(name => '
        'getComputedStyle(document.querySelector(name)).color).filter((color, index, all) => color != all[0])'
    ) == [], 'it has the color of other text'


def test_people_talk_and_a_third_sees_the_history(chat, browsers):
    alice, bob = browsers(), browsers()
    alice.log_in(chat.url, 'alice')
    bob.log_in(chat.url, 'bob')
    alice.enter()
    bob.enter()

    alice.say('Hello Bob')
    bob.until_lines([('alice', 'Hello Bob')])
    bob.say('<b>Hello</b> & "Alice" \u20ac')
    expected = [('alice', 'Hello Bob'), ('bob', '<b>Hello</b> & "Alice" \u20ac')]
    alice.until_lines(expected)
    bob.until_lines(expected)
    assert alice.texts('.line b') == [], 'markup must stay text'

    # A second tab of the same person.
    alice.driver.switch_to.new_window('tab')
    alice.driver.get(chat.url + '/room/1/')
    alice.until_live()
    alice.until_lines(expected)

    carol = browsers()
    make_a_mistake_in_signing_up(carol, chat.url)
    carol.log_in(chat.url, 'carol')
    carol.enter()
    carol.until_lines(expected)
    assert carol.texts('.line b') == [], 'markup must stay text'
    assert carol.rendered('.line') == bob.rendered('.line'), 'the page and its script draw a line alike'
    carol.say('You started without me')
    expected.append(('carol', 'You started without me'))
    for browser in (alice, bob, carol):
        browser.until_lines(expected)
    alice.driver.switch_to.window(alice.driver.window_handles[0])
    alice.until_lines(expected)


def test_page_connects_again_and_gets_what_it_missed(own_chat, browsers):
    alice = browsers()
    alice.log_in(own_chat.url, 'alice')
    alice.enter()
    alice.say('before')
    alice.until_lines([('alice', 'before')])

    assert alice.texts('#unsent p') == []

    own_chat.program.signal(signal.SIGSTOP)
    alice.say('on its way')
    assert (alice.texts('#unsent p'), alice.texts('#unsent .state')) == (['on its way'], ['Sending…'])
    assert not alice.element('#unsent button').is_displayed()
    alice.say('never mind')
    own_chat.program.signal(signal.SIGKILL)
    own_chat.program.wait_for_exit()
    alice.until(lambda: alice.texts('#status') == ['Not connected, trying again'], 'the loss is shown')
    assert not alice.element('#send').is_enabled()
    assert alice.texts('#unsent .state') == ['Not sent: the connection was lost'] * 2
    assert not alice.element('#unsent .again').is_enabled()
    again = own_chat.subject.manage('runserver', '--noreload', '127.0.0.1:%d' % own_chat.port)
    again.wait_for_port(own_chat.port)
    bob = own_chat.socket(own_chat.log_in('bob'))
    bob.send(json.dumps({'text': 'meanwhile'}))

    alice.until_lines([('alice', 'before'), ('bob', 'meanwhile')])
    alice.until_live()
    # It may be sent again, and isn't by itself.
    assert alice.texts('#unsent p') == ['on its way', 'never mind']
    alice.click_on('Discard', 'never mind')
    assert alice.texts('#unsent p') == ['on its way']
    alice.click_on('Send again', 'on its way')
    alice.until_lines([('alice', 'before'), ('bob', 'meanwhile'), ('alice', 'on its way')])
    assert alice.texts('#unsent p') == []
    bob.close()


def test_page_without_a_network_says_so_and_keeps_what_is_typed(chat, browsers):
    chat.open_room(chat.log_in('alice'), 'Tunnel')
    alice = browsers()
    alice.log_in(chat.url, 'alice')
    alice.enter('Tunnel')
    alice.set_offline(True)
    alice.until(lambda: alice.texts('#status') == ['Not connected, trying again'], 'the loss is shown')
    alice.say('in a tunnel')
    assert not alice.element('#send').is_enabled()
    assert alice.element('#text').get_attribute('value') == 'in a tunnel'
    alice.set_offline(False)
    alice.until_live()
    alice.element('#send').click()
    alice.until(lambda: alice.lines()[-1:] == [('alice', 'in a tunnel')], 'the line is shown')


def test_visitor_without_login_is_sent_to_the_login_page_and_gets_no_socket(chat):
    answer = get(chat.port, '/room/1/')
    assert (answer.status, answer.header('Location').endswith('/login/?next=/room/1/')) == (302, True)
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        chat.socket()
    assert caught.value.status_code == 403
    with pytest.raises(websocket.WebSocketBadStatusException):
        chat.socket('sessionid=' + 'a' * 32)


def test_nobody_speaks_under_another_name(chat):
    jar = chat.log_in('alice')
    room = chat.open_room(jar)
    alice, bob = chat.socket(jar, room), chat.socket(chat.log_in('bob'), room)
    alice.send(json.dumps({'text': 'I am bob', 'user': 'bob', 'username': 'bob', 'id': 7}))
    line, = receive(bob)['lines']
    assert (line['user'], line['text']) == ('alice', 'I am bob')
    assert receive(alice)['lines'] == [line]
    alice.close()
    bob.close()


def test_other_web_sites_cannot_open_a_socket_for_a_visitor(chat):
    jar = chat.log_in('alice')
    for origin in ('http://evil.example', 'http://127.0.0.1.evil.example', 'null'):
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            chat.socket(jar, origin=origin)
        assert caught.value.status_code == 403


def test_room_that_does_not_exist_is_refused(chat):
    jar = chat.log_in('alice')
    assert get(chat.port, '/room/999/', Cookie=jar).status == 404
    with pytest.raises(websocket.WebSocketBadStatusException):
        chat.socket(jar, 999)


def test_nonsense_gets_an_error_and_is_not_kept(chat):
    jar = chat.log_in('alice')
    room = chat.open_room(jar)
    alice = chat.socket(jar, room)
    shape = 'Send one text, as {"text": "..."}.'
    refused = [
        ('no JSON', shape), ('[]', shape), ('{}', shape), ('{"text": 7}', shape), ('{"text": " "}', 'Say something.'),
        (json.dumps({'text': 'x' * 1001}), 'At most 1000 characters at once, please.'),
    ]
    if chat.subject.version >= (3,):
        # Half a character. Python 2 takes it for a whole one.
        refused.append(('{"text": "\\ud800"}', shape))
    for frame, error in refused:
        alice.send(frame)
        assert receive(alice) == {'error': error}
    alice.send_binary(b'{"text": "bytes"}')
    assert receive(alice) == {'error': shape}
    alice.send(json.dumps({'text': 'y' * 1000}))
    assert receive(alice)['lines'][0]['text'] == 'y' * 1000
    page = get(chat.port, '/room/%d/' % room, Cookie=jar).text
    assert page.count('<li class="line') == 1
    alice.close()


def test_socket_gets_only_what_its_page_has_not_shown(chat):
    jar = chat.log_in('alice')
    room = chat.open_room(jar)
    first = chat.socket(jar, room)
    ids = []
    for number in range(3):
        first.send(json.dumps({'text': 'line %d' % number}))
        ids.append(receive(first)['lines'][0]['id'])
    second = chat.socket(jar, room, '?after=%d' % ids[0])
    assert [line['text'] for line in receive(second)['lines']] == ['line 1', 'line 2']
    for odd in ('x', '-1', '%C2%B2', '9' * 30):
        third = chat.socket(jar, room, '?after=' + odd)
        assert len(receive(third)['lines']) == 3
        third.close()
    first.close()
    second.close()


def test_somebody_new_signs_up_and_opens_a_room(chat):
    answer, jar = chat.post('/signup/', [
        ('username', 'dave'), ('password1', 'correct horse battery'), ('password2', 'correct horse battery'),
    ])
    assert answer.status == 302, answer.text
    room = chat.open_room(jar, 'A <room> of my own')
    assert 'A &lt;room&gt; of my own' in get(chat.port, '/room/%d/' % room, Cookie=jar).text
    dave = chat.socket(jar, room)
    dave.send(json.dumps({'text': 'mine'}))
    assert receive(dave)['lines'][0]['user'] == 'dave'
    dave.close()


def test_rooms_do_not_hear_each_other(chat):
    jar = chat.log_in('alice')
    here, there = (chat.socket(jar, chat.open_room(jar)) for _ in range(2))
    here.send(json.dumps({'text': 'here'}))
    receive(here)
    there.send(json.dumps({'text': 'there'}))
    assert receive(there)['lines'][0]['text'] == 'there'
    here.close()
    there.close()


def test_logged_out_visitor_gets_no_socket_with_the_old_cookies(chat):
    jar = chat.log_in('bob')
    answer, _ = chat.post('/', [], jar, to='/logout/')
    assert answer.status == 302
    with pytest.raises(websocket.WebSocketBadStatusException):
        chat.socket(jar)


def test_log_out_closes_the_sockets_of_that_browser(chat):
    jar, other = chat.log_in('alice'), chat.log_in('alice')
    room = chat.open_room(jar)
    here, there = chat.socket(jar, room), chat.socket(other, room)
    chat.post('/', [], jar, to='/logout/')
    opcode, data = here.recv_data()
    assert (opcode, struct.unpack('>H', data[:2])) == (websocket.ABNF.OPCODE_CLOSE, (3000,))
    there.send(json.dumps({'text': 'I am still here'}))
    assert receive(there)['lines'][0]['text'] == 'I am still here'
    there.close()


def test_migrations_say_all_that_the_models_say(chat):
    program = chat.subject.manage('makemigrations', '--dry-run')
    assert program.wait_for_exit() == 0
    assert 'No changes detected' in program.output, program.report()

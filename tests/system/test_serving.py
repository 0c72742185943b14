"""
HTTP and WebSocket through real processes, by (a) runserver with the in-memory
layer and (b) a server and two workers over Redis.
"""
import tempfile

import pytest
import subject
import websocket
from clients import get, post_file, post_form, request, sha256, socket_to
from redis_server import RedisServer


class Deployment:
    """The project, served in one of the two ways."""

    def __init__(self, kind, folder):
        self.kind = kind
        self.redis = None
        if kind == 'runserver':
            self.subject = subject.site(folder, SUT_LAYERS='memory')
        else:
            self.redis = RedisServer()
            self.redis.start()
            self.subject = subject.site(folder, SUT_LAYERS='redis', SUT_REDIS=self.redis.url)

    def start(self):
        """Start everything; return when requests are answered."""
        self.subject.run('migrate', '-v', '0')
        if self.kind == 'runserver':
            self.main, self.port = self.subject.runserver()
        else:
            self.main, self.port = self.subject.server()
            self.workers = [self.subject.manage('runworker'), self.subject.manage('runworker')]

    def stop(self):
        """Stop everything."""
        self.subject.stop()
        if self.redis:
            self.redis.stop()


@pytest.fixture(scope='module', params=['runserver', 'redis'])
def site(request):
    """A running Deployment; one serves all tests of this module."""
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment(request.param, folder)
        try:
            deployment.start()
            yield deployment
        finally:
            deployment.stop()


def test_view_answers_a_get(site):
    answer = get(site.port, '/hello/?name=J%C3%B6rg%20%26%20Co')
    assert (answer.status, answer.text) == (200, 'Hello, Jörg & Co!')
    assert answer.header('Content-Type') == 'text/plain; charset=utf-8'


def test_request_came_through_a_channel(site):
    where = get(site.port, '/where/').json()
    assert where['channel'], where
    assert not where['wsgi_server']
    assert tuple(where['python']) == site.subject.version
    assert where['django'] == site.subject.django


def test_requests_are_handled_where_they_should(site):
    pids = {get(site.port, '/where/').json()['pid'] for _ in range(20)}
    expected = {site.main.pid} if site.kind == 'runserver' else {worker.pid for worker in site.workers}
    assert pids <= expected


def test_form_post_arrives_with_all_its_values(site):
    answer = post_form(site.port, '/form/', [('word', 'één'), ('word', 'two'), ('empty', '')])
    assert answer.status == 200
    assert answer.json() == {'method': 'POST', 'fields': {'word': ['één', 'two'], 'empty': ['']}}


@pytest.mark.parametrize('size', [0, 1000, 3 * 1024 * 1024 + 7])
def test_uploaded_file_arrives_whole(site, size):
    content = bytes(bytearray(number * 7 % 251 for number in range(1009))) * (size // 1009 + 1)
    content = content[:size]
    answer = post_file(site.port, '/upload/', 'data.bin', content, note='beside the file')
    assert answer.status == 200, answer.text
    assert answer.json() == {
        'name': 'data.bin', 'size': size, 'sha256': sha256(content), 'note': 'beside the file',
    }


def test_streamed_response_arrives_in_order(site):
    answer = get(site.port, '/stream/')
    assert answer.status == 200
    assert answer.body == b''.join(bytes([65 + number % 26]) * 50000 for number in range(40))


def test_head_request_has_no_body(site):
    answer = request(site.port, 'HEAD', '/hello/')
    assert (answer.status, answer.body) == (200, b'')


def test_unknown_page_is_a_404(site):
    assert get(site.port, '/nowhere/').status == 404


def test_static_file_is_served(site):
    answer = get(site.port, '/static/some.css')
    assert (answer.status, answer.body) == (200, b'/* A static file. */\n')


def test_websocket_echoes_text_and_bytes(site):
    connection = socket_to(site.port, '/echo/')
    try:
        for text in ['one', 'zwölf \U0001f600', 'x' * 70000]:
            connection.send(text)
            assert connection.recv() == text
        connection.send_binary(b'\x00\xff\x80')
        assert connection.recv() == b'\x00\xff\x80'
    finally:
        connection.close()


def test_group_broadcast_reaches_every_member_and_nobody_else(site):
    members = [socket_to(site.port, '/group/members/') for _ in range(3)]
    other = socket_to(site.port, '/group/others/')
    try:
        members[0].send('to all of us')
        assert len({member.recv() for member in members}) == 1
        other.send('to us')
        # Its first frame is its own: the broadcast before passed it by.
        assert other.recv().endswith(': to us')
    finally:
        for connection in members + [other]:
            connection.close()


def test_member_that_left_is_not_waited_for(site):
    stays, leaves = socket_to(site.port, '/group/leaving/'), socket_to(site.port, '/group/leaving/')
    try:
        leaves.close()
        stays.send('still here?')
        assert stays.recv().endswith(': still here?')
    finally:
        stays.close()


def test_socket_without_a_route_is_refused(site):
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        socket_to(site.port, '/no/such/socket/')
    assert caught.value.status_code == 403

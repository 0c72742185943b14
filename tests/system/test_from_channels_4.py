"""The page for users of Channels 4: a project that does what it says, from a bare one, works."""
import json

import pytest
from clients import get, socket_to
from test_tutorial import Project, block

PAGE = 'docs/from-channels-4.txt'
ROOM = '/ws/chat/lobby/'


@pytest.fixture
def project(scratch, redis):
    made = Project(scratch)
    made.configure(PAGE, redis.url)
    made.write('mysite/asgi.py', block('get_channel_layer()', PAGE))
    made.write('mysite/routing.py', block('ChatConsumer.as_route', PAGE))
    yield made
    made.subject.stop()


def assert_room_hears(port):
    one, other = socket_to(port, ROOM), socket_to(port, ROOM)
    try:
        one.send(json.dumps({'message': 'hi'}))
        assert [json.loads(socket.recv()) for socket in (one, other)] == [{'message': 'hi'}] * 2
    finally:
        one.close()
        other.close()


def test_runserver_serves_pages_and_rooms(project):
    port = project.serve()
    assert get(port, '/').status in (200, 404)
    assert_room_hears(port)


def test_server_and_worker_serve_rooms(project):
    project.subject.manage('runworker')
    assert_room_hears(project.subject.server()[1])

"""
An interface server on one Python in front of workers on another.

runtests.py gives both: CHANNELS_SYSTEM_PYTHONS is a JSON object of pair name
-> path of the interpreter; the first name is the server's.
"""
import json
import os

import pytest
import subject
from clients import get, post_file, post_form, sha256, socket_to

PYTHONS = json.loads(os.environ.get('CHANNELS_SYSTEM_PYTHONS', '{}'))

pytestmark = pytest.mark.skipif(len(PYTHONS) < 2, reason='CHANNELS_SYSTEM_PYTHONS names no two interpreters')


@pytest.fixture
def front(redis, scratch):
    """The side of the interface server."""
    side = subject.site(scratch, list(PYTHONS.values())[0], SUT_LAYERS='redis', SUT_REDIS=redis.url)
    yield side
    side.stop()


@pytest.fixture
def back(redis, scratch):
    """The side of the workers."""
    side = subject.site(scratch, list(PYTHONS.values())[1], SUT_LAYERS='redis', SUT_REDIS=redis.url)
    yield side
    side.stop()


def test_new_server_in_front_of_old_workers(front, back):
    assert front.version != back.version
    back.run('migrate', '-v', '0')
    workers = [back.manage('runworker'), back.manage('runworker')]
    server, port = front.server()

    where = get(port, '/where/').json()
    assert tuple(where['python']) == back.version
    assert where['django'] == back.django
    assert where['pid'] in [worker.pid for worker in workers]

    assert get(port, '/hello/?name=%E2%82%AC').text == 'Hello, €!'
    assert post_form(port, '/form/', [('a', 'ü')]).json()['fields'] == {'a': ['ü']}
    content = os.urandom(2 * 1024 * 1024)
    assert post_file(port, '/upload/', 'f', content, note='n').json()['sha256'] == sha256(content)

    echo = socket_to(port, '/echo/')
    echo.send('grüße')
    assert echo.recv() == 'grüße'
    echo.send_binary(b'\xfe\x00')
    assert echo.recv() == b'\xfe\x00'
    echo.close()

    members = [socket_to(port, '/group/mixed/') for _ in range(3)]
    members[1].send('naïve')
    frames = {member.recv() for member in members}
    assert len(frames) == 1 and frames.pop().endswith(': naïve')
    for member in members:
        member.close()

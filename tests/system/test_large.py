"""
Large bodies pass through with bounded memory, and an endless one ends.
"""
import http.client
import os
import re

import pytest
from programs import eventually

pytestmark = pytest.mark.once

LONG = bool(os.environ.get('CHANNELS_LONG_TESTS'))
#: Of the bodies. Far more than what may be on its way at once either way.
MEGABYTES = 1024 if LONG else 128
#: What a process may take more than it did before, in megabytes.
ALLOWED = 64
#: How a form with one file begins and ends.
HEAD = (
    b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n'
    b'Content-Type: application/octet-stream\r\n\r\n'
)
TAIL = b'\r\n--frontier--\r\n'


def peak(program):
    """Return the most memory that a program had, in megabytes."""
    with open('/proc/%d/status' % program.pid) as file:
        return int(re.search(r'VmHWM:\s+(\d+) kB', file.read()).group(1)) / 1024


def assert_bounded(site, before):
    """Check and print what server and worker, in this order, took more than `before` (megabytes)."""
    programs = (site.server, site.worker)
    more = [peak(program) - earlier for program, earlier in zip(programs, before)]
    print('%d MB passed through; the peak of server and worker rose by %.1f and %.1f MB to %.1f and %.1f.' % (
        (MEGABYTES,) + tuple(more) + tuple(map(peak, programs))))
    assert max(more) < ALLOWED


@pytest.fixture
def site(sites, redis):
    """A Subject with a server (in .server, .port) and a worker (.worker) over Redis."""
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 holds whole bodies in memory')
    site.run('migrate', '-v', '0')
    site.worker = site.manage('runworker')
    # The default is no more than a gigabyte.
    site.server, site.port = site.server('--max-body-size', 2 * MEGABYTES * 1024 * 1024)
    yield site


@pytest.fixture
def connection(site):
    """A connection to the site, which has answered before."""
    connection = http.client.HTTPConnection('127.0.0.1', site.port, timeout=120)
    connection.request('GET', '/hello/')
    assert connection.getresponse().read() == b'Hello, nobody!'
    yield connection
    connection.close()


def test_upload_has_bounded_memory(site, connection):
    before = peak(site.server), peak(site.worker)

    def body():
        yield HEAD
        for _ in range(MEGABYTES):
            yield b'x' * 1024 * 1024
        yield TAIL

    size = len(HEAD) + len(TAIL) + MEGABYTES * 1024 * 1024
    connection.request('POST', '/upload/', body(), {
        'Content-Type': 'multipart/form-data; boundary=frontier', 'Content-Length': str(size),
    })
    response = connection.getresponse()
    assert response.status == 200
    assert b'"size": %d' % (MEGABYTES * 1024 * 1024) in response.read()
    assert_bounded(site, before)


def test_download_has_bounded_memory(site, connection):
    before = peak(site.server), peak(site.worker)
    connection.request('GET', '/big/?megabytes=%d' % MEGABYTES)
    response = connection.getresponse()
    size = 0
    for piece in iter(lambda: response.read(1024 * 1024), b''):
        size += len(piece)
    assert size == MEGABYTES * 1024 * 1024
    assert_bounded(site, before)


def test_stream_stops_when_its_client_goes_away(site, connection, scratch):
    ended = os.path.join(scratch, 'ended')
    connection.request('GET', '/endless/?file=' + ended)
    assert connection.getresponse().read(1000) == b'x' * 1000
    connection.close()
    eventually(lambda: os.path.exists(ended), 'the end of the stream')
    connection.request('GET', '/hello/')
    assert connection.getresponse().read() == b'Hello, nobody!'

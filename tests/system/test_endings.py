"""
Ways for a view or a consumer to end: what the client sees, and that the worker goes on.

The table of the documentation is made from what is seen here; set
CHANNELS_WRITE_TABLE to write it.
"""
import functools
import http.client
import os
import re
import struct
import time

import pytest
import subject
import websocket
from clients import TIMEOUT, get, socket_to

pytestmark = pytest.mark.once

TABLE = os.path.join(subject.CHECKOUT, 'docs', 'endings.inc')

#: The end -> the status of the response or the handshake, or the code that
#: the socket is closed with; whether the process dies; what the log says first.
#: None for a response that is cut off. Those that take longer stand between
#: processes that die: those that die soon are replaced after growing pauses.
ENDINGS = [
    ('ValueError', 500, False, 'ValueError: of a view'),
    ('StopIteration', 500, False, 'StopIteration'),
    ('MemoryError', 500, False, 'MemoryError'),
    ('sys.exit()', 500, False, 'SystemExit'),
    ('GeneratorExit', 500, False, 'GeneratorExit'),
    ('KeyboardInterrupt, raised', 500, False, 'KeyboardInterrupt'),
    ('CancelledError', 500, False, 'CancelledError'),
    ('its own BaseException', 500, False, 'Own'),
    ('a closed event loop', 500, False, 'Event loop is closed'),
    ('recursion without end', 500, False, 'maximum recursion depth exceeded'),
    ('os.fork(), both return', 200, False, 'has forked'),
    ('os._exit(0)', 503, True, 'ended with messages in flight'),
    ('os._exit(9)', 503, True, 'with exit status 9'),
    ('os.abort()', 503, True, 'by signal 6'),
    ('SIGSEGV', 503, True, 'by signal 11'),
    ('SIGKILL', 503, True, 'by signal 9'),
    ('waits for ever', 500, False, 'TimeLimitExceeded'),
    ('computes for ever', 500, False, 'TimeLimitExceeded'),
    ('ignores the time limit', 503, True, 'the time limit, and is killed'),
    ('closes all descriptors', 503, True, 'has closed descriptors that are not its own'),
    ('a stream raises', None, False, 'ValueError: of a stream'),
    ('a stream is killed', None, True, 'by signal 9'),
    ('frame: ValueError', 1011, False, 'ValueError: of a view'),
    ('frame: sys.exit()', 1011, False, 'SystemExit'),
    ('frame: CancelledError', 1011, False, 'CancelledError'),
    ('frame: recursion without end', 1011, False, 'maximum recursion depth exceeded'),
    ('frame: waits for ever', 1011, False, 'TimeLimitExceeded'),
    ('frame: ignores the time limit', 1011, True, 'the time limit, and is killed'),
    ('frame: SIGKILL', 1011, True, 'by signal 9'),
    ('handshake: ValueError', 500, False, 'ValueError: of a view'),
    ('handshake: os._exit(9)', 503, True, 'with exit status 9'),
    ('async view: ValueError', 500, False, 'ValueError: of a view'),
    ('async view: sys.exit()', 500, False, 'SystemExit'),
    ('async view: CancelledError', 500, False, 'CancelledError'),
    ('async view: waits for ever', 500, False, 'the time limit; its consumer'),
    ('async view: computes for ever', 503, True, 'the time limit, and is killed'),
    ('async view: SIGKILL', 503, True, 'by signal 9'),
    ('async view: a stream raises', None, False, 'ValueError: of a stream'),
    ('async frame: ValueError', 1011, False, 'ValueError: of a view'),
    ('async frame: waits for ever', 1011, False, 'TimeLimitExceeded'),
]

#: The limits in seconds, and how long the others may take: an answer is due
#: within 5 s, and slow machines have slack.
SOFT, HARD, SOON = 2, 5, 15


#: Those that a limit ends: the seconds until then, and how the table puts it.
LIMITED = {
    'waits for ever': (SOFT, 'after the limit'),
    'computes for ever': (SOFT, 'after the limit'),
    'ignores the time limit': (HARD, 'after the hard limit'),
    # Nothing interrupts the event loop.
    'async view: computes for ever': (HARD, 'after the hard limit'),
}


def end(port, how):
    """Have a view or consumer end; return the status, the code or None, and after how many seconds."""
    where, _, how = how.rpartition(': ')
    began = time.monotonic()
    try:
        seen = PLACES[where](port, how)
    except (http.client.HTTPException, ConnectionError):
        seen = None
    return seen, time.monotonic() - began


def end_view(port, how, path='/ending/'):
    """Have a view end; return the status of its response."""
    return get(port, '%s?how=%s' % (path, how.replace(' ', '%20'))).status


def end_frame(port, how, path='/ending/'):
    """Have the consumer of a frame end; return the code that its socket is closed with."""
    client = socket_to(port, path)
    client.send(how)
    code, = struct.unpack('>H', client.recv_frame().data[:2])
    client.close()
    return code


def end_handshake(port, how):
    """Have the consumer of a handshake end; return the status of the refusal."""
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        socket_to(port, '/ending/?' + how.replace(' ', '%20'))
    return refusal.value.status_code


#: Whatever ends -> how to have it do so.
PLACES = {
    '': end_view,
    'frame': end_frame,
    'handshake': end_handshake,
    'async view': functools.partial(end_view, path='/async/ending/'),
    'async frame': functools.partial(end_frame, path='/async/ending/'),
}


def row(how, status, dies, says, when):
    """Return a row of the table."""
    seen = 'cut off' if status is None else str(status)
    goes_on = 'another process' if dies else 'the same process'
    return '%-30s  %-9s  %-20s  %-16s  ``%s``' % (how, seen, when, goes_on, says)


def test_ways_for_a_view_or_a_consumer_to_end(sites, redis):
    """In each of them the client gets an answer soon, and the worker serves the next."""
    # The page that DEBUG makes of a thousand frames takes longer than the limits.
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_DEBUG='no')
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 waits for the end of its own time limit')
    server, port = site.server('--http-timeout', TIMEOUT)
    worker = site.manage('runworker', '--processes', '1', '--time-limit', SOFT, '--hard-time-limit', HARD)
    worker.wait_for('worker processes are ready')
    pid = get(port, '/where/').json()['pid']
    rows = []
    for how, status, dies, says in ENDINGS:
        slow, when = LIMITED.get(how, LIMITED.get(how.rpartition(': ')[2], (0, 'at once')))
        rows.append(row(how, status, dies, says, when))
        if how.startswith('async') and not site.has_async_streams:
            continue
        count = worker.output.count(says)
        seen, seconds = end(port, how)
        assert seen == status, '%s: %s\n%s' % (how, seen, worker.report())
        assert slow <= seconds < slow + SOON, '%s: %.1f s\n%s' % (how, seconds, worker.report())
        worker.wait_for(says, count + 1)
        serving = get(port, '/where/').json()['pid']
        assert (serving != pid) == dies, '%s\n%s' % (how, worker.report())
        pid = serving
    rule = '  '.join('=' * width for width in (30, 9, 20, 16, 34))
    head = '%-30s  %-9s  %-20s  %-16s  %s' % ('a view, if not said', 'client', 'when', 'next message', 'the log has')
    table = '\n'.join([rule, head, rule] + rows + [rule]) + '\n'
    if os.environ.get('CHANNELS_WRITE_TABLE'):
        with open(TABLE, 'w') as file:
            file.write(table)
    with open(TABLE) as file:
        assert re.sub(' +', ' ', file.read()) == re.sub(' +', ' ', table)
    assert worker.process.poll() is None

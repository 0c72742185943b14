"""
Ways for a view to end: what the client sees, and that the worker goes on.

The table of the documentation is made from what is seen here; set
CHANNELS_WRITE_TABLE to write it.
"""
import http.client
import os
import re
import time

import pytest
import subject
from clients import TIMEOUT, get

pytestmark = pytest.mark.once

TABLE = os.path.join(subject.CHECKOUT, 'docs', 'endings.inc')

#: The end of a view -> the status, whether the process dies, what the log says
#: first. None for a response that is cut off.
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
    ('os.fork(), both return', 200, False, 'has forked'),
    ('os._exit(0)', 503, True, 'ended with messages in hand'),
    ('os._exit(9)', 503, True, 'with exit status 9'),
    ('os.abort()', 503, True, 'by signal 6'),
    ('SIGSEGV', 503, True, 'by signal 11'),
    ('SIGKILL', 503, True, 'by signal 9'),
    ('waits for ever', 500, False, 'TimeLimitExceeded'),
    ('computes for ever', 500, False, 'TimeLimitExceeded'),
    ('ignores the time limit', 503, True, 'the time limit, and is killed'),
    ('a stream raises', None, False, 'ValueError: of a stream'),
    ('a stream is killed', None, True, 'by signal 9'),
]

#: The limits in seconds, and how long the others may take: an answer is due
#: within 5 s, and slow machines have slack.
SOFT, HARD, SOON = 2, 5, 15


#: Those that a limit ends: the seconds until then, and how the table puts it.
LIMITED = {
    'waits for ever': (SOFT, 'after the limit'),
    'computes for ever': (SOFT, 'after the limit'),
    'ignores the time limit': (HARD, 'after the hard limit'),
}


def end(port, how):
    """Have a view end; return the status, or None for a response that is cut off, and after how many seconds."""
    began = time.monotonic()
    try:
        status = get(port, '/ending/?how=%s' % how.replace(' ', '%20')).status
    except (http.client.HTTPException, ConnectionError):
        status = None
    return status, time.monotonic() - began


def row(how, status, dies, says, when):
    """Return a row of the table."""
    seen = 'cut off' if status is None else str(status)
    goes_on = 'another process' if dies else 'the same process'
    return '%-26s  %-9s  %-20s  %-16s  ``%s``' % (how, seen, when, goes_on, says)


def test_ways_for_a_view_to_end(sites, redis):
    """In each of them the client gets an answer soon, and the worker serves the next."""
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 waits for the end of its own time limit')
    server, port = site.server('--http-timeout', TIMEOUT)
    worker = site.manage('runworker', '--processes', '1', '--time-limit', SOFT, '--hard-time-limit', HARD)
    worker.wait_for('worker processes are ready')
    pid = get(port, '/where/').json()['pid']
    rows = []
    for how, status, dies, says in ENDINGS:
        count = worker.output.count(says)
        seen, seconds = end(port, how)
        assert seen == status, '%s: %s\n%s' % (how, seen, worker.report())
        slow, when = LIMITED.get(how, (0, 'at once'))
        assert slow <= seconds < slow + SOON, '%s: %.1f s\n%s' % (how, seconds, worker.report())
        worker.wait_for(says, count + 1)
        serving = get(port, '/where/').json()['pid']
        assert (serving != pid) == dies, '%s\n%s' % (how, worker.report())
        pid = serving
        rows.append(row(how, status, dies, says, when))
    rule = '  '.join('=' * width for width in (26, 9, 20, 16, 34))
    head = '%-26s  %-9s  %-20s  %-16s  %s' % ('a view', 'client', 'when', 'next message', 'the log has')
    table = '\n'.join([rule, head, rule] + rows + [rule]) + '\n'
    if os.environ.get('CHANNELS_WRITE_TABLE'):
        with open(TABLE, 'w') as file:
            file.write(table)
    with open(TABLE) as file:
        assert re.sub(' +', ' ', file.read()) == re.sub(' +', ' ', table)
    assert worker.process.poll() is None
